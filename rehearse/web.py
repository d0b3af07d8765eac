"""A web process of a project, started as the platform starts it."""

import http.client
import time
from collections.abc import Mapping
from contextlib import suppress

from rehearse.load import Client
from rehearse.platforms import Platform
from rehearse.processes import Process
from rehearse.services import free_port

BOOT_SECONDS = Platform.boot_seconds


# A server may listen elsewhere for a moment, as for metrics, before it does at PORT.
WRONG_PORT_SECONDS = 8


class WrongPort(RuntimeError):
    """The process listens at other ``ports`` than that in PORT, and so gets no requests."""

    def __init__(self, ports: set[int], output: str):
        super().__init__(output)
        self.ports = ports


class Web:
    """A web process of the project, once it answers.

    ``path`` is what is asked for to see whether it does. ``boot_seconds`` is how long it took to
    answer, ``boot_megabytes`` its memory at that moment, ``boot_status`` the first answer's status.
    """

    def __init__(self, platform: Platform, environment: dict[str, str], path: str = "/"):
        self.platform, self.path = platform, path
        self.boot_status = 0
        self.port = free_port()
        self.process = Process(
            platform.command("web"),
            platform.folder,
            environment | {"PORT": str(self.port)},
            platform.grace,
        )

    def __enter__(self):
        started = time.monotonic()
        self.process.__enter__()
        try:
            self.process.wait_until(lambda: self.boots(started), self.platform.boot_seconds)
            self.boot_seconds = time.monotonic() - started
            self.boot_megabytes = self.process.memory()
        except BaseException:
            self.process.kill()
            raise
        return self

    def __exit__(self, *exception):
        self.process.__exit__(*exception)

    def boots(self, started: float) -> bool:
        """Whether it answers; WrongPort if it listens at other ports only, after a while."""
        if self.answers():
            return True
        if time.monotonic() - started > WRONG_PORT_SECONDS:
            ports = self.process.listening_ports()
            if ports and self.port not in ports:
                raise WrongPort(ports, self.process.output())
        return False

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a visitor's request that matter, as the router passes them on."""
        return {"Host": self.platform.host, "X-Forwarded-Proto": "https"}

    def answers(self) -> bool:
        """Whether a GET gets any answer, within a second."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1)
        with suppress(OSError, http.client.HTTPException):
            connection.request("GET", self.path, headers=self.headers)
            self.boot_status = connection.getresponse().status
        connection.close()
        return bool(self.boot_status)

    def client(self, *, seconds: float = 30, headers: Mapping[str, str] = {}) -> Client:
        """A client for load, with these headers of its own."""
        return Client(self.port, {**self.headers, **headers}, seconds)
