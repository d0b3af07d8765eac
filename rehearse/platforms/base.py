"""What every platform has in common: files that it reads, variables that it sets, limits."""

import re
import secrets
import sys
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from rehearse import buildpack
from rehearse.processes import bare_environment
from rehearse.services import Services

REFERENCE = re.compile(r"\$\{?([A-Z][A-Z0-9_]*)\}?")
# Of a value in a platform's file: its type in words, an example, and keys that must be there.
KINDS = {str: "text", list: "list", dict: "mapping", int: "number"}
EXAMPLES = {str: "web", list: "[{name: web}]", dict: "{name: web}", int: "10"}
NAMES = {"name", "key", "plan"}
# The variable of each service, unless the project names another.
URLS = {"postgres": "DATABASE_URL", "redis": "REDIS_URL"}
Headers = list[tuple[bytes, bytes]]

# The commit that was deployed.
COMMIT = "9b1f6b0a4d6e4f0c8a3c5f6f1f0c0e2d7a8b9c0d"


class CannotStart(Exception):
    """There is nothing to rehearse; the message says why, and what to do, in one sentence."""


class HealthCheck(NamedTuple):
    """A GET of ``path`` every ``period`` seconds, which fails after ``timeout`` seconds; after so
    many ``failures`` in a row the web process is unhealthy.
    """

    path: str
    period: float
    timeout: float
    failures: int

    @property
    def patience(self) -> float:
        """For how many seconds a process may answer none, and stays healthy."""
        return (self.failures - 1) * max(self.period, self.timeout) + self.timeout

    @staticmethod
    def is_passed_by(status: int) -> bool:
        return 200 <= status < 400


def replaced(headers: Headers, own: dict[bytes, bytes]) -> Headers:
    """``headers``, where the router's ``own`` replace those of the same name."""
    return [pair for pair in headers if pair[0] not in own] + list(own.items())


def is_secret_key(name: str) -> bool:
    """Whether any random text will do for the variable, such as DJANGO_SECRET_KEY."""
    return bool(re.fullmatch(r"([A-Z]+_)?SECRET_KEY(_BASE)?", name)) and "AWS" not in name


class Platform:
    """One project on one platform; a subclass has the facts, each with its source.

    ``folder`` is the project, ``programs`` the ``bin`` folder of its virtual environment once it is
    built. ``python`` is the interpreter to build with, by default the one that runs this.
    ``component`` is the service to rehearse, if the platform's file has several.
    """

    name: str
    title: str
    # The host name of the app.
    host: str
    # Seconds in which a web process has to listen, and then to pass a health check if there is one.
    boot_seconds: float = 60
    # How a command runs before each deployment.
    release_advice: str
    # Where the router sends requests, if the platform does not choose PORT for each process.
    http_port: int | None = None
    # In a deployment the old process gets no requests for ``drain_seconds``, then SIGTERM, and
    # ``grace`` seconds later SIGKILL.
    drain_seconds: float
    grace: float
    # Seconds for which the router waits for a response, and its error code after them.
    response_seconds: float
    late: str
    # How Redis' clients are to check its certificate.
    ssl_cert_reqs: str
    # The file whose patterns are left out before a build, if there is one.
    ignore_file: str | None = None
    # Whether a build has the variables of services, once they exist.
    builds_with_services: bool
    # PostgreSQL connections of the smallest plan.
    postgres_connections: int

    def __init__(self, folder: Path, component: str | None = None):
        self.folder, self.component, self.python = folder, component, sys.executable
        # The folder of which this is a copy.
        self.source: Path | None = None
        self.secrets: defaultdict[str, str] = defaultdict(lambda: secrets.token_urlsafe(50))
        self.programs = folder / buildpack.PYTHON_FOLDER / "bin"

    @classmethod
    def reads(cls, folder: Path) -> bool:
        """Whether the folder has a file by which this platform deploys it."""
        raise NotImplementedError

    def check(self) -> None:
        """Raise CannotStart, or BuildFailed, if the platform's own files name nothing to start."""
        self.commands()

    def build(self, given: Mapping[str, str] = {}) -> None:
        """Build the project in its folder; raises BuildFailed if the platform would not.

        ``given`` are variables of the owner that the build has as well.
        """
        self.commands()
        buildpack.build(self.folder, self.build_environment(given), self.python)
        self.finish(self.build_environment(given))

    def finish(self, environment: dict[str, str]) -> None:
        """What follows the installation of packages; raises FinishFailed."""
        buildpack.finish(self.folder, environment)

    def build_environment(self, given: Mapping[str, str] = {}) -> dict[str, str]:
        """What a build step has, on the first deployment: the project's variables and the owner's
        ``given``, but for those that name a service; no port.
        """
        own = bare_environment(self.programs, self.folder) | self.build_variables()
        known = {n: v for n, v in given.items() if n not in self.at_run_time()}
        return own | {n: v for n, v in known.items() if not REFERENCE.search(v)}

    def build_variables(self) -> dict[str, str]:
        """The variables of the project's files that a build has."""
        raise NotImplementedError

    def at_run_time(self) -> set[str]:
        """The names of those that it has not."""
        return set()

    def services(self) -> set[str]:
        """Which of ``postgres`` and ``redis`` the project is given."""
        raise NotImplementedError

    def blanks(self) -> list[str]:
        """The variables without a value, which only the owner of the project knows."""
        raise NotImplementedError

    def check_blanks(self, given: Mapping[str, str]) -> None:
        """Raise CannotStart if a variable that only the owner knows has no value."""
        if missing := [name for name in self.blanks() if name not in given]:
            raise CannotStart(
                f"Only you know {', '.join(missing)}: give a value to each, as in"
                f" --set {missing[0]}=VALUE."
            )

    def environment(
        self, services: Services, database: str, given: Mapping[str, str] = {}, process: str = "web"
    ) -> dict[str, str]:
        """All that a process, or the release step, has, apart from ``PORT``.

        ``given`` are the owner's variables, which win.
        """
        # https://github.com/heroku/heroku-buildpack-python/blob/main/bin/compile
        buildpacks = {"PYTHONPATH": str(self.folder), "PYTHONUNBUFFERED": "true"}
        own = bare_environment(self.programs, self.folder) | buildpacks
        own |= self.variables(services, database, process)
        known = self.urls(services, database) | own
        return own | {name: filled_in(text, known) for name, text in given.items()}

    def urls(self, services: Services, database: str) -> dict[str, str]:
        """The URLs of this run's servers, for ``--set NAME='$REDIS_URL'``."""
        raise NotImplementedError

    def variables(self, services: Services, database: str, process: str) -> dict[str, str]:
        """The variables of the platform and of the project's files, without ``blanks()``."""
        raise NotImplementedError

    def commands(self) -> dict[str, str]:
        """The command of each process by its name: ``web``, ``release`` if there is one, others.

        Raises BuildFailed if there is no ``web``.
        """
        raise NotImplementedError

    def web_process(self, environment: Mapping[str, str], port: int) -> tuple[str, dict[str, str]]:
        """The command and the variables of a web process that is to listen at ``port``."""
        return self.commands()["web"], {**environment, "PORT": str(port)}

    def untried(self) -> list[str]:
        """What the platform would deploy as well, and this does not."""
        return []

    def megabytes(self, process: str) -> int:
        """The memory of the plan that the process runs on, in MiB."""
        raise NotImplementedError

    def health_check(self) -> HealthCheck | None:
        """How the platform asks a web process whether it is alive, if it does by HTTP."""
        return None

    def routed(self, headers: Headers, address: str, scheme: str) -> Headers:
        """The headers of a visitor's request, names in lower case, as the router passes them on.

        ``address`` is the visitor's; ``scheme`` what they used, ``http`` or ``https``.
        """
        raise NotImplementedError


def shaped(value: Any, shape: Any, where: str) -> Any:
    """The value without what is empty, once it has the ``shape``: a type, a list with the shape of
    each item, or the shapes of the keys of a mapping, of which NAMES must be there, and ``*`` are
    all others. A pair has the shapes of a text and of a mapping.

    Raises CannotStart, which says where it has not.
    """
    if isinstance(shape, tuple):
        shape = shape[isinstance(value, dict)]
    kind: Any = shape if isinstance(shape, type) else type(shape)
    if kind is str and isinstance(value, int | float | date):  # as YAML reads it, without quotes
        value = str(value).lower() if isinstance(value, bool) else str(value)
    if not isinstance(value, kind):
        raise CannotStart(f"{where} must be a {KINDS[kind]}, such as {EXAMPLES[kind]}.")
    if isinstance(shape, list):
        items = [one for one in value if one is not None]
        return [shaped(one, shape[0], f"{where}[{n}]") for n, one in enumerate(items)]
    if isinstance(shape, dict):
        value = {str(name): one for name, one in value.items() if one is not None}
        for name in NAMES & shape.keys() - value.keys():
            raise CannotStart(f"{where} has no {name}.")
        for name in value:
            if one := shape.get(name, shape.get("*")):
                value[name] = shaped(value[name], one, f"{where}: {name}")
    return value


def filled_in(text: str, variables: Mapping[str, str]) -> str:
    """The text with ``$NAME`` or ``${NAME}`` replaced by that variable, if there is one."""
    return REFERENCE.sub(lambda match: variables.get(match[1], match[0]), text)
