"""What each platform reads from a project, sets in its environment, and runs.

The facts are the platforms' documentation of 2026: Heroku's "Python Buildpack", "Procfile",
"Release Phase", "app.json Schema"; DigitalOcean's "App Spec" and "Python Buildpack".
"""

import json
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

import yaml

from rehearsal.services import Postgres, Valkey

# Both build with Heroku's Python buildpack, which runs this with nothing configured.
BUILD_COMMAND = "python manage.py collectstatic --noinput"


@dataclass
class Services:
    """The servers that a platform's add-ons stand for, and the TLS before Valkey: ``port``s of
    proxies with a self-signed certificate and with one that a public authority issued.
    """

    postgres: Postgres
    valkey: Valkey
    self_signed_port: int
    issued_port: int
    authority: Path


class Platform:
    """One project on one platform.

    ``folder`` is the project, ``programs`` the folder of its environment's ``python``.
    """

    host: str
    grace: float

    def __init__(self, folder: Path, programs: Path):
        self.folder, self.programs = folder, programs

    def build_environment(self) -> dict[str, str]:
        """What a build step has: no configuration, no database, no port."""
        return {
            "PATH": f"{self.programs}:{os.defpath}",
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
        }

    def environment(self, services: Services, database: str) -> dict[str, str]:
        """All that the release step and the processes have, apart from ``PORT``."""
        raise NotImplementedError


class Heroku(Platform):
    host = "my-site-0123456789ab.herokuapp.com"
    grace = 30

    def command(self, process: str) -> str:
        """The Procfile's command for ``process``: ``release`` or ``web``."""
        lines = (self.folder / "Procfile").read_text().splitlines()
        return dict(re.fullmatch(r"([\w-]+): (.+)", line).groups() for line in lines)[process]

    def environment(self, services: Services, database: str) -> dict[str, str]:
        app = json.loads((self.folder / "app.json").read_text())
        config = {
            name: secrets.token_hex(32) if value.get("generator") == "secret" else value["value"]
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
            "PYTHONUNBUFFERED": "true",
        }
        return self.build_environment() | dyno | config


class AppPlatform(Platform):
    host = "my-site-abcde.ondigitalocean.app"
    grace = 120

    def spec(self) -> dict:
        return yaml.safe_load((self.folder / ".do/app.yaml").read_text())

    def component(self, process: str) -> dict:
        """The app spec's service or job of that name."""
        spec = self.spec()
        return next(part for part in spec["services"] + spec["jobs"] if part["name"] == process)

    def command(self, process: str) -> str:
        return self.component(process)["run_command"]

    def environment(self, services: Services, database: str) -> dict[str, str]:
        bound = {"APP_DOMAIN": self.host}
        for part in self.spec()["databases"]:
            bound[f"{part['name']}.DATABASE_URL"] = {
                "PG": f"{services.postgres.url(database)}?sslmode=require",
                "VALKEY": services.valkey.url("rediss", services.issued_port),
            }[part["engine"]]
        values = {
            variable["key"]: re.sub(r"\$\{(.+?)\}", lambda name: bound[name[1]], variable["value"])
            for variable in self.spec()["envs"] + self.component("web").get("envs", [])
        }
        # README.md has the person who deploys put a secret there.
        values["SECRET_KEY"] = secrets.token_urlsafe(50)
        # Stands for the public authorities that every machine trusts.
        trust = {"SSL_CERT_FILE": str(services.authority)}
        return self.build_environment() | trust | values


PLATFORMS = {"heroku": Heroku, "digitalocean": AppPlatform}
