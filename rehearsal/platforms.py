"""What each platform reads from a project, sets in its environment, and runs.

The facts are the platforms' documentation of 2026: Heroku's "Python Buildpack", "Procfile",
"Release Phase", "app.json Schema"; DigitalOcean's "App Spec" and "Python Buildpack".
"""

import json
import re
import secrets
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import yaml

from rehearsal import buildpack
from rehearsal.processes import Process, bare_environment
from rehearsal.services import Postgres, Valkey

Headers = list[tuple[bytes, bytes]]

# The commit that was deployed.
COMMIT = "9b1f6b0a4d6e4f0c8a3c5f6f1f0c0e2d7a8b9c0d"
# The variables that README.md has the owner set, and their values for the blanks of a manifest.
MAIL = {
    # test_account_pages.py deletes it to test the default.
    "ACCOUNT_EMAIL_VERIFICATION": "none",
    "EMAIL_URL": "smtps://site:password@localhost:465",
    "DEFAULT_FROM_EMAIL": "My Site <site@example.com>",
}
FILLED_IN = {
    "SECRET_KEY": secrets.token_urlsafe(50),
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_STORAGE_BUCKET_NAME": "uploads",
    "AWS_S3_REGION_NAME": "us-east-1",
}


@dataclass
class Services:
    """The servers behind a platform's add-ons.

    Two TLSProxy servers are before Valkey: at ``self_signed_port`` with a self-signed certificate,
    at ``issued_port`` with one of the CA whose certificate is the file ``authority``.
    """

    postgres: Postgres
    valkey: Valkey
    self_signed_port: int
    issued_port: int
    authority: Path

    def redis_connections(self, process: Process) -> int:
        """How many connections the process and all it started have to Valkey."""
        return sum(map(process.connections_to, (self.self_signed_port, self.issued_port)))


def replaced(headers: Headers, own: dict[bytes, bytes]) -> Headers:
    """``headers``, where the router's ``own`` replace those of the same name."""
    return [pair for pair in headers if pair[0] not in own] + list(own.items())


class Platform:
    """One project on one platform.

    ``folder`` is the project, ``programs`` the ``bin`` folder of its virtual environment once it is
    built. ``python`` is the interpreter to build with, by default the one of the tests. In a
    deployment the old process gets no requests for ``drain_seconds``, then SIGTERM, and ``grace``
    seconds later SIGKILL.
    """

    host: str
    drain_seconds: float
    grace: float

    def __init__(self, folder: Path):
        self.folder, self.python = folder, sys.executable
        self.programs = folder / buildpack.PYTHON_FOLDER / "bin"

    def build(self) -> None:
        """Build the project in its folder; raises BuildFailed if the platform would not."""
        buildpack.build(self.folder, self.build_environment(), self.python)

    def build_environment(self) -> dict[str, str]:
        """What a build step has: no configuration, no database, no port."""
        return bare_environment(self.programs, self.folder)

    def environment(self, services: Services, database: str) -> dict[str, str]:
        """All that the release step and the processes have, apart from ``PORT``."""
        raise NotImplementedError

    def command(self, process: str) -> str:
        """The command of ``process``: ``release``, ``web`` or ``worker``."""
        raise NotImplementedError

    def routed(self, headers: Headers, address: str, scheme: str) -> Headers:
        """The headers of a visitor's request, names in lower case, as the router passes them on.

        ``address`` is the visitor's; ``scheme`` what they used, ``http`` or ``https``.
        """
        raise NotImplementedError


class Heroku(Platform):
    host = "my-site-0123456789ab.herokuapp.com"
    drain_seconds = 0
    grace = 30

    def build(self) -> None:
        self.processes()
        super().build()

    def processes(self) -> dict[str, str]:
        """The commands in the Procfile by their names.

        Raises BuildFailed if a line is not ``name: command`` or ``web`` is missing. Heroku itself
        deploys an app without ``web``, then answers every request to it with an error (H14).
        """
        processes = {}
        for line in (self.folder / "Procfile").read_text().splitlines():
            match = re.fullmatch(r"([A-Za-z0-9_-]+):\s*(\S.*)", line)
            if not match:
                raise buildpack.BuildFailed(f"Procfile: {line!r} is no 'name: command'.")
            processes[match[1]] = match[2]
        if "web" not in processes:
            raise buildpack.BuildFailed("Procfile has no web process.")
        return processes

    def command(self, process: str) -> str:
        return self.processes()[process]

    def environment(self, services: Services, database: str) -> dict[str, str]:
        app = json.loads((self.folder / "app.json").read_text())
        config = {
            name: secrets.token_hex(32)
            if value.get("generator") == "secret"
            else value.get("value") or FILLED_IN[name]
            for name, value in app["env"].items()
        }
        for addon in app["addons"]:
            config |= {
                "heroku-postgresql": {"DATABASE_URL": services.postgres.url(database)},
                "heroku-redis": {
                    "REDIS_URL": services.valkey.url("rediss", services.self_signed_port)
                },
            }[addon.partition(":")[0]]
        dyno = {
            "DYNO": "web.1",
            "WEB_CONCURRENCY": "2",
            "FORWARDED_ALLOW_IPS": "*",
            "GUNICORN_CMD_ARGS": "--access-logfile -",
            # With the labs features that README.md names for SENTRY_DSN.
            "HEROKU_BUILD_COMMIT": COMMIT,
            "PYTHONUNBUFFERED": "true",
        }
        return self.build_environment() | dyno | MAIL | config

    def routed(self, headers: Headers, address: str, scheme: str) -> Headers:
        said = dict(headers)
        request_id = said.get(b"x-request-id", b"")
        if not re.fullmatch(rb"[\w-]{20,128}", request_id):
            request_id = str(uuid.uuid4()).encode()
        # Appended: the visitor may have sent all that is left of the last comma.
        addresses = [said[b"x-forwarded-for"]] if b"x-forwarded-for" in said else []
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


class AppPlatform(Platform):
    host = "my-site-abcde.ondigitalocean.app"
    drain_seconds = 15
    grace = 120

    def spec(self) -> dict:
        return yaml.safe_load((self.folder / ".do/app.yaml").read_text())

    def component(self, process: str) -> dict:
        """The app spec's service, worker or job of that name."""
        spec = self.spec()
        parts = spec["services"] + spec.get("workers", []) + spec["jobs"]
        return next(part for part in parts if part["name"] == process)

    def command(self, process: str) -> str:
        return self.component(process)["run_command"]

    def environment(self, services: Services, database: str) -> dict[str, str]:
        bound = {"APP_DOMAIN": self.host, "_self.COMMIT_HASH": COMMIT}
        for part in self.spec()["databases"]:
            bound[f"{part['name']}.DATABASE_URL"] = {
                "PG": f"{services.postgres.url(database)}?sslmode=require",
                "VALKEY": services.valkey.url("rediss", services.issued_port),
            }[part["engine"]]
        values = {
            variable["key"]: re.sub(r"\$\{(.+?)\}", lambda name: bound[name[1]], variable["value"])
            for variable in self.spec()["envs"] + self.component("web").get("envs", [])
        }
        for name, value in values.items():
            if re.search("YOUR_|_GOES_HERE", value):
                values[name] = FILLED_IN[name]
        # Stands for the public CAs that every machine trusts.
        trust = {"SSL_CERT_FILE": str(services.authority)}
        return self.build_environment() | trust | MAIL | values

    def routed(self, headers: Headers, address: str, scheme: str) -> Headers:
        said = dict(headers)
        addresses = [said[b"x-forwarded-for"]] if b"x-forwarded-for" in said else []
        return replaced(
            headers,
            {
                # Replaced by assumption: DigitalOcean documents only that the address is in it.
                # https://docs.digitalocean.com/support/where-can-i-find-the-client-ip-address-of-a-request-connecting-to-my-app/
                b"do-connecting-ip": address.encode(),
                b"x-forwarded-for": b",".join([*addresses, address.encode()]),
                b"x-forwarded-proto": scheme.encode(),
                b"x-request-id": str(uuid.uuid4()).encode(),
            },
        )


PLATFORMS = {"heroku": Heroku, "digitalocean": AppPlatform}
