"""A site on its platform, and a client that comes to it through the platform's router."""

import http.client
import itertools
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from rehearsal.load import Answer, Client
from rehearsal.platforms import Platform
from rehearsal.processes import Process
from rehearsal.services import free_port

BOOT_SECONDS = 60
PASSWORD = "a long enough passphrase"
NUMBERS = itertools.count()
SESSION_COOKIE = "__Host-sessionid"
CSRF_COOKIE = "__Host-csrftoken"
# All is plain HTTP here, and reading the authorities' certificates takes 25 ms for each client.
WITHOUT_TLS = False


def new_name(name: str) -> str:
    """A user name that begins with that one, and is new even if a test runs again."""
    return f"{name}{next(NUMBERS)}"


def session_cookie(session: str) -> dict[str, str]:
    """The header that a browser sends which has the session with that key."""
    return {"Cookie": f"{SESSION_COOKIE}={session}"}


def answers(url: str) -> bool:
    """Whether a GET is a success, within a second."""
    try:
        return httpx.get(url, timeout=1, verify=WITHOUT_TLS).is_success
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

    async def ask(self, path: str, session: str | None = None, seconds: float = 120) -> Answer:
        """Ask once, on a connection of its own, as a client that leaves after so many seconds."""
        client = self.client(session, seconds)
        answer = await client.get(path)
        client.close()
        return answer

    def visitor(self, scheme: str = "https", router_port: int | None = None) -> "Visitor":
        return Visitor(self, scheme, router_port)


def ask_twice(site: Site, seconds: float, is_over: threading.Event) -> int:
    """The status of the second answer on a connection that is idle for so long after the first one,
    or until it is over. Raises what keeps the answer from coming.
    """
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=120)
    for pause in (seconds, 0):
        connection.request("GET", "/healthz")
        connection.auto_open = 0  # otherwise it would make a new connection
        with connection.getresponse() as response:
            response.read()
        is_over.wait(pause)
    connection.close()
    return response.status


class Visitor(httpx.Client):
    """A person with a browser, whose requests carry what the platform's router puts there.

    The router ends TLS: the process sees plain HTTP, and the header says what the visitor used.
    With ``router_port``, a Router's, that puts them there. ``name`` is that of who signed up.
    """

    def __init__(self, site: Site, scheme: str = "https", router_port: int | None = None):
        headers = {"Host": site.platform.host, "Origin": f"{scheme}://{site.platform.host}"}
        if not router_port:
            headers |= {
                "X-Forwarded-Proto": scheme,
                "X-Forwarded-For": "203.0.113.7",
                "X-Request-Id": "0b9d6a66-4f0c-4b51-8a6e-0e6a4e2d7f10",
            }
        super().__init__(
            base_url=f"http://127.0.0.1:{router_port or site.port}",
            headers=headers,
            timeout=30,
            verify=WITHOUT_TLS,
        )
        self.event_hooks = {"response": [self.keep_secure_cookies]}

    @property
    def session(self) -> str:
        """The key of the visitor's session; raises KeyError if they have none."""
        return self.cookies[SESSION_COOKIE]

    def keep_secure_cookies(self, response: httpx.Response) -> None:
        """Take Secure cookies for what they are here: this side of the router is plain HTTP."""
        for cookie in self.cookies.jar:
            cookie.secure = False

    def sign_up(self, name: str) -> httpx.Response:
        """Sign up, from an address of one's own: sign-up is limited per address."""
        answers: dict = {"username": name, "email": f"{name}@example.com"}
        passwords: dict = {"password1": PASSWORD, "password2": PASSWORD}
        self.name, number = name, next(NUMBERS)
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

    def log_in(self, name: str, password: str = PASSWORD) -> httpx.Response:
        """Log in to an account, with the password that everyone here has or another."""
        return self.submit("/accounts/login/", login=name, password=password)

    def submit(
        self, path: str, page: str | None = None, files: dict | None = None, **answers: str
    ) -> httpx.Response:
        """Open ``page``, or else the one at ``path``, and send its form to ``path``."""
        form = self.get(page or path).text
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)[1]
        return self.post(path, data=answers | {"csrfmiddlewaretoken": token}, files=files)
