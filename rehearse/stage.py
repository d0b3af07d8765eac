"""What the steps of a rehearsal share: the project on its platform, the servers, the web process."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rehearse.buildpack import has_package
from rehearse.findings import Finding, last_lines
from rehearse.load import Client
from rehearse.platforms import Platform
from rehearse.platforms.base import URLS
from rehearse.services import Certificates, Services
from rehearse.web import Web

DATABASE = "rehearsed"
# Far more than a plan has: too many connections are counted and named by one step, and do not
# break all others.
CONNECTIONS = 400
# A project that has none of these does not use the service.
CLIENT_PACKAGES = {
    "postgres": ("psycopg", "psycopg2", "asyncpg", "pg8000"),
    "redis": ("redis", "valkey", "coredis"),
}


class Stage(ExitStack):
    """Enter it to start the servers; leave it to end everything.

    In: the platform, whose folder is the copy; the run's own folder; the owner's variables ``given``;
    and the paths to ask for. Out: ``services``; ``environment``, of the processes.
    """

    def __init__(
        self, platform: Platform, folder: Path, given: Mapping[str, str], paths: list[str]
    ):
        super().__init__()
        self.platform, self.folder, self.given = platform, folder, dict(given)
        self.asked_paths = paths
        # The step "load" replaces them by those that are answered without an error.
        self.paths = paths or ["/"]
        self.probes: list[str] = []
        self.log, self.temporary = folder / "log", folder / "temporary"
        # The connection of the step "idle connection", from its beginning.
        self.idle: Any = None
        self._web: Web | None = None
        # What the step "worker stopped" found, if no task ran.
        self.no_task: Finding | None = None

    def __enter__(self):
        self.log.mkdir()
        self.temporary.mkdir()
        with ExitStack() as stack:
            certificates = Certificates(self.log)
            started = Services.started(self.log, certificates, CONNECTIONS)
            self.services = stack.enter_context(started)
            self.services.postgres.create_database(DATABASE)
            self.environment = self.environment_of("web")
            self.push(stack.pop_all().__exit__)
        return self

    def environment_of(self, process: str) -> dict[str, str]:
        """The variables of another process than ``web``, or of the release."""
        variables = self.platform.environment(self.services, DATABASE, self.given, process)
        # What a process that is killed leaves there is deleted with the rest.
        return {"TMPDIR": str(self.temporary)} | variables

    def has_own(self, service: str) -> bool:
        """Whether the built project can use the ``postgres`` or ``redis`` of this run, and was not
        given another one.
        """
        is_given = service in self.platform.services() and URLS[service] not in self.given
        return is_given and any(map(self.has, CLIENT_PACKAGES[service]))

    def has(self, package: str) -> bool:
        return has_package(self.platform.folder, package)

    def advice(self, what: str, how: dict[str, str]) -> str:
        """What must hold, and how in terms of the first of these packages that the project has."""
        text = next((text for package, text in how.items() if self.has(package)), "")
        return f"{what}: {text}." if text else f"{what}."

    def start_web(self, **changes: str) -> Web:
        """One more web process, which ends with the stage at the latest.

        Raises RuntimeError if it does not boot.
        """
        if self._web and self._web.is_alone:
            self.close_web()
        return self.enter_context(Web(self.platform, self.environment | changes))

    @property
    def web(self) -> Web:
        """The web process that steps share: started if there is none, or if it has ended."""
        if self._web is None or not self._web.process.is_running():
            self._web = self.start_web()
        return self._web

    @web.setter
    def web(self, web: Web) -> None:
        self._web = web

    def client(self, web: Web, seconds: float) -> Client:
        """A visitor with the cookie of a session that has ended: Django then asks the database."""
        return web.client(seconds=seconds, headers=self.cookies)

    @property
    def cookies(self) -> dict[str, str]:
        if not self.has("django"):
            return {}
        names = ("sessionid", "__Host-sessionid", "__Secure-sessionid")
        key = "rehearsal0rehearsal0rehearsal0re"
        return {"Cookie": "; ".join(f"{name}={key}" for name in names)}

    def close_web(self) -> None:
        """Kill the shared web process: the next step starts its own."""
        if self._web:
            self._web.process.kill()
        self._web = None

    def output(self) -> str:
        """The last lines that the web process has printed."""
        return last_lines(self._web.process.output()) if self._web else ""
