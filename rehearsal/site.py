"""A site on its platform, and a client that comes to it through the platform's router."""

import http.client
import itertools
import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from rehearsal.load import Client
from rehearsal.platforms import Platform
from rehearsal.processes import Process
from rehearsal.services import free_port

BOOT_SECONDS = 60
PASSWORD = "a long enough passphrase"
NUMBERS = itertools.count()
SESSION_COOKIE = "__Host-sessionid"
CSRF_COOKIE = "__Host-csrftoken"


def session_cookie(session: str) -> dict[str, str]:
    """The header that a browser sends which has the session with that key."""
    return {"Cookie": f"{SESSION_COOKIE}={session}"}


def answers(url: str) -> bool:
    """Whether a GET is a success, within a second."""
    try:
        return httpx.get(url, timeout=1).is_success
    except httpx.TransportError:
        return False


@contextmanager
def serve(command: str, address: str, folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """Run a command that serves pages in development at ``address``; gives their URL."""
    with Process(command, folder, environment) as process:
        process.wait_until(lambda: answers(f"http://{address}/"), BOOT_SECONDS)
        yield f"http://{address}"


class Site:
    """A web process of the project, started as the platform starts it, once it answers.

    ``boot_seconds`` is the time it took to answer first, ``boot_megabytes`` what it held then.
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
        self.process.wait_until(self.answers, BOOT_SECONDS)
        self.boot_seconds = time.monotonic() - started
        self.boot_megabytes = self.process.memory()
        return self

    def __exit__(self, *exception):
        self.process.stop()

    def answers(self) -> bool:
        return answers(f"http://127.0.0.1:{self.port}/healthz")

    def is_listening(self) -> bool:
        """Whether the process accepts connections."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def client(self, session: str | None = None, seconds: float = 30) -> Client:
        """A client for load, of the session with that key or of none."""
        headers = {"Host": self.platform.host, "X-Forwarded-Proto": "https"}
        return Client(self.port, headers | (session_cookie(session) if session else {}), seconds)

    def visitor(self, scheme: str = "https") -> "Visitor":
        return Visitor(self, scheme)


class IdleConnection:
    """A connection that is used once, kept for ``seconds`` as a router keeps it, and used again."""

    def __init__(self, site: Site, seconds: float):
        self._connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)
        self._use()
        # Otherwise a new connection would be made without a word.
        self._connection.auto_open = 0
        self._seconds = seconds
        self._answer: Future[int] = Future()
        self._timer = threading.Timer(seconds, self._use_again)
        self._timer.daemon = True
        self._timer.start()

    def _use(self) -> int:
        self._connection.request("GET", "/healthz")
        with self._connection.getresponse() as response:
            response.read()
            return response.status

    def _use_again(self) -> None:
        try:
            self._answer.set_result(self._use())
        except (OSError, http.client.HTTPException) as error:
            self._answer.set_exception(error)

    def answer(self) -> int:
        """The status of the second answer, once it is there. Raises what kept it from coming."""
        return self._answer.result(self._seconds + 20)


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
        super().__init__(base_url=f"http://127.0.0.1:{site.port}", headers=headers, timeout=30)
        self.event_hooks = {"response": [self.keep_secure_cookies]}

    @property
    def session(self) -> str:
        """The key of the visitor's session; raises KeyError if they have none."""
        return self.cookies[SESSION_COOKIE]

    def keep_secure_cookies(self, response: httpx.Response) -> None:
        """Take Secure cookies for what they are here: this side of the router is plain HTTP."""
        for cookie in self.cookies.jar:
            cookie.secure = False

    def get_with_retries(self, path: str, **options) -> httpx.Response:
        """GET, with up to 4 retries while a probe of /readyz times out: on a busy machine one may."""
        for _ in range(5):
            response = self.get(path, **options)
            if "no answer in time" not in response.text:
                break
        return response

    def sign_up(self, name: str) -> httpx.Response:
        """Sign up, from an address of one's own: sign-up is limited per address."""
        answers: dict = {"username": name, "email": f"{name}@example.com"}
        passwords: dict = {"password1": PASSWORD, "password2": PASSWORD}
        number = next(NUMBERS)
        address = f"198.18.{number // 250 % 250}.{number % 250}"
        with self.coming_from(address):
            return self.submit("/accounts/signup/", **answers, **passwords)

    @contextmanager
    def coming_from(self, address: str) -> Iterator[None]:
        """Send from another IP address, as either platform's router reports it."""
        before = self.headers.copy()
        self.headers.update({"X-Forwarded-For": address, "DO-Connecting-IP": address})
        yield
        self.headers = before

    def log_in(self, name: str) -> httpx.Response:
        """Log in to an account with the password that everyone here has."""
        return self.submit("/accounts/login/", login=name, password=PASSWORD)

    def submit(
        self, path: str, page: str | None = None, files: dict | None = None, **answers: str
    ) -> httpx.Response:
        """Open ``page``, or else the one at ``path``, and send its form to ``path``."""
        form = self.get(page or path).text
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)[1]
        return self.post(path, data=answers | {"csrfmiddlewaretoken": token}, files=files)
