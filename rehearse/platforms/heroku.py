"""Heroku, as of 2026: https://devcenter.heroku.com"""

import json
import re
import time
import uuid
from functools import cached_property
from pathlib import Path

from rehearse.buildpack import BuildFailed, read_text
from rehearse.platforms.base import COMMIT, URLS, CannotStart, Headers, Platform, replaced, shaped
from rehearse.services import Services

# MiB of a dyno: https://devcenter.heroku.com/articles/dyno-types
MEGABYTES = {"standard-2x": 1024, "performance-m": 2560, "performance-l": 14336}
SMALLEST_DYNO = 512
SERVICES = {"heroku-postgresql": "postgres", "heroku-redis": "redis"}
IS_PYTHON = re.compile(
    r"^heroku/python$|heroku-buildpack-python(\.git)?(#.*)?$|/heroku/python\.tgz$"
)
OF_NODE = re.compile(r"(exec +)?(node|npm|npx|yarn|pnpm)\b")
# What is read of app.json.
MANIFEST = {
    "env": {"*": (str, {"value": str, "generator": str})},
    "addons": [(str, {"plan": str, "as": str})],
    "formation": {"*": {"size": str}},
    "buildpacks": [{"url": str}],
}


def read_procfile(path: Path) -> dict[str, str]:
    """The commands in a Procfile by their names: https://devcenter.heroku.com/articles/procfile.

    Comments are left out, as Heroku's own example has them:
    https://github.com/heroku/python-getting-started/blob/main/Procfile

    Raises BuildFailed if a line is not ``name: command`` or ``web`` is missing. Heroku itself
    deploys an app without ``web``, then answers every request to it with an error (H14).
    """
    processes, text = {}, read_text(path)
    if text.startswith("\ufeff"):
        raise BuildFailed("Procfile begins with a BOM: save it as UTF-8, without a BOM.")
    for line in filter(str.strip, text.splitlines()):
        if line.startswith("#"):
            continue
        match = re.fullmatch(r"([A-Za-z0-9_-]+):\s*(\S.*)", line)
        if not match:
            raise BuildFailed(f"Procfile: {line!r} is no 'name: command'.")
        processes[match[1]] = match[2]
    if "web" not in processes:
        raise BuildFailed("Procfile has no web process.")
    return processes


def plan_of(addon: str | dict) -> str:
    """Such as heroku-redis:mini."""
    return addon if isinstance(addon, str) else addon["plan"]


class Heroku(Platform):
    """Procfile, app.json, and the classic Python buildpack.

    Boot within 60 s (R10), SIGTERM and 30 s later SIGKILL (R12):
    https://devcenter.heroku.com/articles/limits,
    https://devcenter.heroku.com/articles/dyno-shutdown-behavior

    The router waits 30 s for the first byte (H12):
    https://devcenter.heroku.com/articles/request-timeout

    20 connections to Postgres on Essential plans:
    https://devcenter.heroku.com/articles/heroku-postgres-plans

    An old process gets requests until its end, so there is no time to drain:
    https://devcenter.heroku.com/articles/preboot
    """

    name, title = "heroku", "Heroku"
    host = "my-site-0123456789ab.herokuapp.com"
    drain_seconds = 0
    grace = 30
    response_seconds = 30
    late = "H12"
    ssl_cert_reqs = "none"
    release_advice = "Add a line to Procfile: 'release: {}'."
    # https://devcenter.heroku.com/articles/slug-compiler#ignoring-files-with-slugignore
    ignore_file = ".slugignore"
    builds_with_services = True
    postgres_connections = 20

    @classmethod
    def reads(cls, folder: Path) -> bool:
        return (folder / "Procfile").is_file()

    def check(self) -> None:
        if not self.reads(self.folder):
            raise CannotStart("There is no Procfile: add one with 'web: COMMAND'.")
        super().check()
        self.untried()  # reads app.json
        if OF_NODE.match(web := self.commands()["web"]):
            raise CannotStart(f"Procfile's web is of Node, which is not simulated: {web!r}.")

    def commands(self) -> dict[str, str]:
        return read_procfile(self.folder / "Procfile")

    @cached_property
    def manifest(self) -> dict:
        """app.json: https://devcenter.heroku.com/articles/app-json-schema; {} without one."""
        path = self.folder / "app.json"
        try:
            found = json.loads(read_text(path)) if path.is_file() else {}
        except (ValueError, RecursionError) as error:
            raise CannotStart(f"app.json is not valid JSON: {error}.") from None
        return shaped(found, MANIFEST, "app.json")

    @property
    def wanted(self) -> dict[str, dict]:
        """The variables of app.json; a text is short for its value."""
        env = self.manifest.get("env", {})
        return {n: v if isinstance(v, dict) else {"value": v} for n, v in env.items()}

    def blanks(self) -> list[str]:
        required = [name for name, one in self.wanted.items() if one.get("required", True)]
        return [name for name in required if name not in self.build_variables()]

    def addons(self) -> dict[str, str]:
        """The service of each add-on by its variable's name.

        Without app.json nobody knows which add-ons the owner created: both are given.
        """
        if not self.manifest:
            return {name: service for service, name in URLS.items()}
        found = {}
        for addon in self.manifest.get("addons", []):
            service = SERVICES.get(plan_of(addon).partition(":")[0])
            if service:
                own = addon.get("as") if isinstance(addon, dict) else None
                found[f"{own}_URL" if own else URLS[service]] = service
        return found

    def untried(self) -> list[str]:
        addons = [plan_of(addon) for addon in self.manifest.get("addons", [])]
        found = [f"add-on {plan}" for plan in addons if plan.partition(":")[0] not in SERVICES]
        buildpacks = [one.get("url", "") for one in self.manifest.get("buildpacks", [])]
        found += [f"buildpack {url}" for url in buildpacks if not IS_PYTHON.search(url)]
        if (self.folder / "heroku.yml").is_file():
            found.append("heroku.yml, which the stack container reads in place of Procfile")
        return found

    def services(self) -> set[str]:
        return set(self.addons().values())

    def build_variables(self) -> dict[str, str]:
        """The config vars: https://devcenter.heroku.com/articles/buildpack-api#bin-compile"""
        return {
            name: self.secrets[name] if one.get("generator") == "secret" else one["value"]
            for name, one in self.wanted.items()
            if one.get("value") or one.get("generator") == "secret"
        }

    def urls(self, services: Services, database: str) -> dict[str, str]:
        """Postgres' begins with ``postgres://`` and has no ``sslmode``; Key-Value Store's is
        ``rediss://`` with a self-signed certificate:
        https://devcenter.heroku.com/articles/connecting-heroku-redis
        """
        return {
            "DATABASE_URL": services.postgres.url(database),
            "REDIS_URL": services.valkey.url("rediss", services.self_signed_port),
        }

    def variables(self, services: Services, database: str, process: str) -> dict[str, str]:
        """With what the buildpack sets at run time:
        https://github.com/heroku/heroku-buildpack-python/tree/main/vendor
        """
        urls = self.urls(services, database)
        dyno = {
            "DYNO": "web.1",
            # On a dyno of 512 MB: https://devcenter.heroku.com/articles/python-concurrency
            "WEB_CONCURRENCY": "2",
            "FORWARDED_ALLOW_IPS": "*",
            "GUNICORN_CMD_ARGS": "--access-logfile -",
            # With the labs features that README.md names for SENTRY_DSN.
            "HEROKU_BUILD_COMMIT": COMMIT,
        }
        addons = {name: urls[URLS[service]] for name, service in self.addons().items()}
        return dyno | addons | self.build_variables()

    def megabytes(self, process: str) -> int:
        size = self.manifest.get("formation", {}).get(process, {}).get("size", "basic")
        return MEGABYTES.get(size.lower(), SMALLEST_DYNO)

    def routed(self, headers: Headers, address: str, scheme: str) -> Headers:
        """https://devcenter.heroku.com/articles/http-routing#heroku-headers"""
        sent = dict(headers)
        request_id = sent.get(b"x-request-id", b"")
        if not re.fullmatch(rb"[\w-]{20,128}", request_id):
            request_id = str(uuid.uuid4()).encode()
        # Appended: the visitor may have sent all that is left of the last comma.
        addresses = [sent[b"x-forwarded-for"]] if b"x-forwarded-for" in sent else []
        return replaced(
            headers,
            {
                b"x-forwarded-for": b", ".join([*addresses, address.encode()]),
                b"x-forwarded-proto": scheme.encode(),
                b"x-forwarded-port": b"443" if scheme == "https" else b"80",
                b"x-request-id": request_id,
                b"x-request-start": b"%d" % (time.time() * 1000),
                b"via": b"2.0 heroku-router",
            },
        )
