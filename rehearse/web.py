"""A web process of a project, started as the platform starts it."""

import http.client
import time
from collections.abc import Mapping

from rehearse.load import Client
from rehearse.platforms import Platform
from rehearse.processes import Process
from rehearse.services import free_port

BIND = "Bind to 0.0.0.0:$PORT in the web command: the platform chooses the port."


class NotUp(RuntimeError):
    """The platform would end the process; ``reason`` says why, ``advice`` what mends it."""

    def __init__(self, reason: str, advice: str, output: str):
        super().__init__(output)
        self.reason, self.advice = reason, advice


class Web:
    """A web process of the project, once it is up as the platform sees it, and answers.

    ``path`` is what is asked for to see whether it does: the health check's, if the platform has
    one. ``boot_seconds`` is how long it took to answer, ``boot_megabytes`` its memory at that moment,
    ``boot_status`` the last answer's status. It ``is_alone`` if it listens at the platform's own port
    whatever PORT says: no second one can beside it.
    """

    def __init__(self, platform: Platform, environment: dict[str, str], path: str = ""):
        self.platform, self.check = platform, platform.health_check()
        self.path = path or (self.check.path if self.check else "/healthz")
        self.boot_status, self.is_bound, self.is_alone = 0, False, False
        self.port = free_port()
        command, variables = platform.web_process(environment, self.port)
        self.process = Process(command, platform.folder, variables, platform.grace)

    def __enter__(self):
        started = time.monotonic()
        self.process.__enter__()
        try:
            seconds = self.platform.boot_seconds + self.patience + 5
            self.process.wait_until(lambda: self.boots(started), seconds)
            self.boot_seconds = time.monotonic() - started
            self.boot_megabytes = self.process.memory()
        except BaseException:
            self.process.kill()
            raise
        return self

    def __exit__(self, *exception):
        self.process.__exit__(*exception)

    @property
    def patience(self) -> float:
        """Seconds for which an answer is waited for."""
        return self.check.timeout if self.check else self.platform.response_seconds

    def boots(self, started: float) -> bool:
        """Whether it is up; NotUp once the platform would give up."""
        if self.answers():
            # https://help.heroku.com/P1AVPANS/why-is-my-node-js-app-crashing-with-an-r10-error
            if self.port in self.process.listening_ports("127."):
                reason = f"listens at 127.0.0.1:{self.port}, where no router can come"
                raise NotUp(reason, BIND, self.process.output())
            return True
        seconds, own = self.platform.boot_seconds, self.platform.http_port
        if own and not self.is_bound and own in self.process.listening_ports():
            self.port, self.is_alone = own, True
        is_late, title = time.monotonic() - started > seconds, self.platform.title
        if self.check and self.boot_status and (is_late or self.boot_status < 500):
            status = f"{self.path} answers {self.boot_status}"
            reason = f"{status}: {title}'s health check takes 200 to 399"
            advice = (
                "Let that path answer 200 to everyone, or name one that does in http_path of the app"
                " spec's health_check. (400 is Django's answer to a host not in ALLOWED_HOSTS.)"
            )
        elif is_late and not self.is_bound:
            ports = ", ".join(map(str, sorted(self.process.listening_ports())))
            where = f"http_port {own}" if own else "$PORT"
            late = f"nothing listens on {where} within {seconds:.0f} s"
            reason = f"listens on port {ports}, not on {where}" if ports else late
            advice = BIND
        elif is_late:
            reason = f"listens, but {self.path} has no answer within {self.patience:.0f} s"
            advice = "Let a page answer while the rest of the work is done in the background."
        else:
            return False
        raise NotUp(reason, advice, self.process.output())

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a visitor's request that matter, as the router passes them on."""
        return {"Host": self.platform.host, "X-Forwarded-Proto": "https"}

    def answers(self) -> bool:
        """Whether a GET gets an answer, and to a health check that of a healthy process."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.patience)
        try:
            connection.connect()
            self.is_bound = True
            connection.request("GET", self.path, headers=self.headers)
            self.boot_status = connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        return not self.check or self.check.is_passed_by(self.boot_status)

    def client(self, *, seconds: float = 30, headers: Mapping[str, str] = {}) -> Client:
        """A client for load, with these headers of its own."""
        return Client(self.port, {**self.headers, **headers}, seconds)
