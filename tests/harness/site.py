"""A site on its platform, and a client that comes to it through the platform's router."""

import itertools
import json
import re
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from rehearse.load import Answer, Client
from rehearse.platforms import Platform
from rehearse.processes import Process
from rehearse.web import Web

PASSWORD = "a long enough passphrase"
NUMBERS = itertools.count()
SESSION_COOKIE = "__Host-sessionid"
CSRF_COOKIE = "csrftoken"
# Exit statuses of a web process that has stopped as it should: Uvicorn ends itself by the signal.
STOPPED = (0, -signal.SIGTERM)
# For httpx's ``verify``: all is plain HTTP here, and loading the CAs takes 25 ms per client.
WITHOUT_TLS = False


def new_name(name: str) -> str:
    """A user name that begins with ``name``, and is new even if a test runs again."""
    return f"{name}{next(NUMBERS)}"


def session_cookie(session: str) -> dict[str, str]:
    """The Cookie header of a browser whose session has that key."""
    return {"Cookie": f"{SESSION_COOKIE}={session}"}


def answers(url: str) -> bool:
    """Whether a GET is a success, within a second."""
    try:
        return httpx.get(url, timeout=1, verify=WITHOUT_TLS).is_success
    except httpx.TransportError:
        return False


@contextmanager
def serve(command: str, address: str, folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """Run a command that starts a development server at ``address``; yields its URL."""
    with Process(command, folder, environment) as process:
        process.wait_until(lambda: answers(f"http://{address}/"), Platform.boot_seconds)
        yield f"http://{address}"


class Site(Web):
    """A web process of a project of the template, and its visitors."""

    def __exit__(self, kind, *exception):
        super().__exit__(kind, *exception)
        if kind:  # pytest shows what a test that failed has printed
            lines = self.process.output().splitlines()
            print(*(line for line in lines if '"level": "info"' not in line), sep="\n")

    def events(self) -> list[dict]:
        """What the process has logged so far; raises ValueError if a line of it is not JSON."""
        lines = self.process.output().rpartition("\n")[0]  # the last may be half written
        return [json.loads(line) for line in lines.splitlines()]

    def answers(self) -> bool:
        return answers(f"http://127.0.0.1:{self.port}/healthz")

    def client(
        self,
        session: str | None = None,
        *,
        seconds: float = 30,
        headers: Mapping[str, str] = {},
    ) -> Client:
        """A client for load, with the session of that key or without one."""
        cookie = session_cookie(session) if session else {}
        return super().client(seconds=seconds, headers={**headers, **cookie})

    async def ask(self, path: str, session: str | None = None, seconds: float = 120) -> Answer:
        """Send one GET on a new connection; the client disconnects after ``seconds``."""
        client = self.client(session, seconds=seconds)
        answer = await client.get(path)
        client.close()
        return answer

    def visitor(self, scheme: str = "https", router_port: int | None = None) -> "Visitor":
        return Visitor(self, scheme, router_port)


class Visitor(httpx.Client):
    """A person with a browser, whose requests have the headers that the platform's router adds.

    The router ends TLS: the process sees plain HTTP, and the visitor's scheme in X-Forwarded-Proto.
    With ``router_port`` the Router there adds the headers. ``name`` is the user name of sign_up().
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
        """Send Secure cookies over plain HTTP too: here the router has ended TLS."""
        for cookie in self.cookies.jar:
            cookie.secure = False

    def sign_up(self, name: str) -> httpx.Response:
        """Sign up from a new IP address, since sign-up is limited per IP address."""
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
        try:
            yield
        finally:
            self.headers = before

    def log_in(self, name: str, password: str = PASSWORD) -> httpx.Response:
        """Log in to an account; every account here has the password PASSWORD."""
        return self.submit("/accounts/login/", login=name, password=password)

    def submit(
        self, path: str, page: str | None = None, files: dict | None = None, **answers: str
    ) -> httpx.Response:
        """Open ``page``, or else the one at ``path``, and send its form to ``path``."""
        form = self.get(page or path).text
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)[1]
        return self.post(path, data=answers | {"csrfmiddlewaretoken": token}, files=files)
