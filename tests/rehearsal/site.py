"""A site on its platform, and a client that comes to it through the platform's router."""

import re
import time

import httpx

from rehearsal.platforms import Platform
from rehearsal.processes import Process
from rehearsal.services import free_port

BOOT_SECONDS = 60


class Site:
    """A web process of the project, started as the platform starts it, once it answers.

    ``boot_seconds`` is the time it took to answer first.
    """

    def __init__(self, platform: Platform, environment: dict[str, str]):
        self.platform = platform
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
        while not self.answers():
            if not self.process.is_running() or time.monotonic() - started > BOOT_SECONDS:
                self.process.stop()
                raise RuntimeError(f"the web process did not boot:\n{self.process.output()}")
            time.sleep(0.05)
        self.boot_seconds = time.monotonic() - started
        return self

    def __exit__(self, *exception):
        self.process.stop()

    def answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/healthz", timeout=1).is_success
        except httpx.TransportError:
            return False

    def visitor(self, scheme: str = "https") -> "Visitor":
        return Visitor(self, scheme)


class Visitor(httpx.Client):
    """A person with a browser, whose requests carry what the platform's router puts there.

    The router ends TLS: the process sees plain HTTP, and the header says what the visitor used.
    """

    def __init__(self, site: Site, scheme: str = "https"):
        headers = {
            "Host": site.platform.host,
            "X-Forwarded-Proto": scheme,
            "X-Forwarded-For": "203.0.113.7",
            "X-Request-Id": "0b9d6a66-4f0c-4b51-8a6e-0e6a4e2d7f10",
            "Origin": f"{scheme}://{site.platform.host}",
        }
        super().__init__(base_url=f"http://127.0.0.1:{site.port}", headers=headers, timeout=10)
        self.event_hooks = {"response": [self.keep_secure_cookies]}

    def keep_secure_cookies(self, response: httpx.Response) -> None:
        """Take Secure cookies for what they are here: this side of the router is plain HTTP."""
        for cookie in self.cookies.jar:
            cookie.secure = False

    def submit(self, path: str, page: str | None = None, **answers: str) -> httpx.Response:
        """Open ``page``, or else the one at ``path``, and send its form to ``path``."""
        form = self.get(page or path).text
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)[1]
        return self.post(path, data=answers | {"csrfmiddlewaretoken": token})
