"""DigitalOcean App Platform, as of 2026: https://docs.digitalocean.com/products/app-platform/"""

import re
import uuid
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from rehearse.buildpack import FinishFailed
from rehearse.platforms.base import (
    COMMIT,
    CannotStart,
    Headers,
    HealthCheck,
    Platform,
    is_secret_key,
    read_text,
    replaced,
    shaped,
)
from rehearse.platforms.heroku import read_procfile
from rehearse.processes import CommandFailed, run
from rehearse.services import Services

SPECS = (".do/app.yaml", ".do/app.yml", ".do/deploy.template.yaml", ".do/deploy.template.yml")
# What stands in a spec where the owner has to write a value, and an encrypted value.
BLANK = re.compile(r"YOUR_|_GOES_HERE|CHANGE_?ME|^EV\[|^<.*>$")
# MiB: https://docs.digitalocean.com/products/app-platform/details/pricing/
SIZE = re.compile(r"-([0-9.]+)gb")
SMALLEST_INSTANCE = 512
# What is read of a spec.
ENVS = [{"key": str, "value": str, "scope": str, "type": str}]
CHECK = {"http_path": str, "initial_delay_seconds": int, "period_seconds": int}
CHECK |= {"timeout_seconds": int, "failure_threshold": int}
COMPONENT: dict[str, Any] = {
    "name": str,
    "kind": str,
    "environment_slug": str,
    "source_dir": str,
    "dockerfile_path": str,
    "build_command": str,
    "run_command": str,
    "http_port": int,
    "instance_size_slug": str,
    "envs": ENVS,
    "health_check": CHECK,
}
SPEC: dict[str, Any] = {"envs": ENVS, "databases": [{"name": str, "engine": str}]}
SPEC |= {kind: [COMPONENT] for kind in ("services", "workers", "jobs", "static_sites", "functions")}


class AppPlatform(Platform):
    """An app spec, and Heroku's Python buildpack:
    https://docs.digitalocean.com/products/app-platform/reference/app-spec/

    An old instance drains for 15 s, then gets SIGTERM, and 120 s later SIGKILL:
    https://docs.digitalocean.com/products/app-platform/how-to/configure-termination/

    Documented is that an upload ends after 100 s; we take it for every request's limit:
    https://docs.digitalocean.com/products/app-platform/details/limits/

    A cluster of 1 GB takes 22 connections; we take a development database for one:
    https://docs.digitalocean.com/products/databases/postgresql/details/limits/
    """

    name, title = "digitalocean", "App Platform"
    host = "my-site-abcde.ondigitalocean.app"
    drain_seconds = 15
    grace = 120
    response_seconds = 100
    late = "504"
    builds_with_services = False
    postgres_connections = 22

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.root = folder
        source = self.web.get("source_dir", "/").strip("/") if self.reads(folder) else ""
        if source:
            super().__init__(folder / source)

    @classmethod
    def reads(cls, folder: Path) -> bool:
        return any((folder / name).is_file() for name in SPECS)

    def check(self) -> None:
        if not self.reads(self.root) and not (self.folder / "Procfile").is_file():
            raise CannotStart("There is no .do/app.yaml: write an app spec, or a Procfile.")
        if "dockerfile_path" in self.web or (self.folder / "Dockerfile").is_file():
            raise CannotStart(
                "App Platform builds this project's Dockerfile, which is not simulated."
            )
        unknown = [
            part.get("engine", "PG")
            for part in self.spec.get("databases") or []
            if part.get("engine", "PG") not in ("PG", "VALKEY", "REDIS")
        ]
        if unknown:
            raise CannotStart(f"A database of the engine {unknown[0]} is not simulated.")
        super().check()

    @cached_property
    def spec(self) -> dict:
        """The app spec; without one, a service that the Procfile describes."""
        path = next((self.root / n for n in SPECS if (self.root / n).is_file()), None)
        if path is None:
            return {"services": [{"name": "web"}]}
        try:
            found = yaml.safe_load(read_text(path)) or {}
        # A date that is none, or a mapping within itself
        except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
            line = " ".join(str(error).split())
            raise CannotStart(f"{path.name} is not valid YAML: {line}.") from None
        found = shaped(found, {"spec": {}}, path.name)
        return shaped(found.get("spec", found), SPEC, path.name)

    @property
    def web(self) -> dict:
        """The service that visitors come to: the one called ``web``, or else the first."""
        services = self.spec.get("services") or []
        if not services:
            raise CannotStart("The app spec has no service: add one with a run_command.")
        return next((one for one in services if one.get("name") == "web"), services[0])

    def jobs(self) -> list[dict]:
        """Those that run before a deployment; Procfile's ``release`` is not run."""
        return [job for job in self.spec.get("jobs") or [] if job.get("kind") == "PRE_DEPLOY"]

    def components(self) -> dict[str, dict]:
        parts = {"web": self.web}
        parts |= {job["name"]: job for job in self.jobs()}
        return parts | {worker["name"]: worker for worker in self.spec.get("workers") or []}

    def commands(self) -> dict[str, str]:
        commands = {"web": self.web.get("run_command")}
        if not commands["web"]:
            commands["web"] = read_procfile(self.folder / "Procfile")["web"]
        if jobs := self.jobs():
            commands["release"] = " && ".join(job["run_command"] for job in jobs)
        workers = self.spec.get("workers") or []
        return commands | {worker["name"]: worker["run_command"] for worker in workers}

    @property
    def wanted(self) -> list[dict]:
        """The variables of the app and of the service: https://docs.digitalocean.com/products/app-platform/how-to/use-environment-variables/"""
        return [*(self.spec.get("envs") or []), *(self.web.get("envs") or [])]

    @staticmethod
    def is_blank(variable: dict) -> bool:
        value = str(variable.get("value", ""))
        is_missing = not value and variable.get("type") == "SECRET"
        return is_missing or bool(BLANK.search(value))

    def blanks(self) -> list[str]:
        return [
            one["key"]
            for one in self.wanted
            if self.is_blank(one) and not is_secret_key(one["key"])
        ]

    def services(self) -> set[str]:
        engines = {part.get("engine", "PG") for part in self.spec.get("databases") or []}
        return {"postgres" if engine == "PG" else "redis" for engine in engines}

    def build_variables(self) -> dict[str, str]:
        """The variables of the scope BUILD_TIME or RUN_AND_BUILD_TIME, which is the default, without
        those of a database: https://docs.digitalocean.com/support/why-are-my-database-bind-variables-missing-from-my-app/
        """
        late = self.at_run_time()
        wanted = [one for one in self.wanted if one["key"] not in late]
        return self.values([one for one in wanted if "${" not in one.get("value", "")], {})

    def at_run_time(self) -> set[str]:
        return {one["key"] for one in self.wanted if "BUILD" not in one.get("scope", "BUILD")}

    def finish(self, environment: dict[str, str]) -> None:
        """Also the service's own build_command, which comes last."""
        super().finish(environment)
        if command := self.web.get("build_command"):
            try:
                run(command, self.folder, environment)
            except CommandFailed as failure:
                raise FinishFailed(f"The build_command failed:\n{failure}") from failure

    def urls(self, services: Services, database: str) -> dict[str, str]:
        return {
            "DATABASE_URL": f"{services.postgres.url(database)}?sslmode=require",
            "REDIS_URL": services.valkey.url("rediss", services.issued_port),
        }

    def bindings(self, services: Services, database: str) -> dict[str, str]:
        """The values of ``${...}``."""
        urls, redis = self.urls(services, database), services.valkey
        bound = {
            "APP_DOMAIN": self.host,
            "APP_URL": f"https://{self.host}",
            "_self.PUBLIC_DOMAIN": self.host,
            "_self.PUBLIC_URL": f"https://{self.host}",
            "_self.COMMIT_HASH": COMMIT,
        }
        for part in self.spec.get("databases") or []:
            is_postgres = part.get("engine", "PG") == "PG"
            values = {
                "DATABASE_URL": urls["DATABASE_URL" if is_postgres else "REDIS_URL"],
                "HOSTNAME": "localhost",
                "PORT": str(services.postgres.port if is_postgres else services.issued_port),
                "USERNAME": "site" if is_postgres else "default",
                "PASSWORD": services.postgres.password if is_postgres else redis.password,
                "DATABASE": database if is_postgres else "0",
                "CA_CERT": services.authority.read_text(),
            }
            bound |= {f"{part['name']}.{name}": value for name, value in values.items()}
        return bound

    def values(self, wanted: list[dict], bound: Mapping[str, str]) -> dict[str, str]:
        """The values of variables, without those that only the owner knows."""
        values: dict[str, str] = {}
        for one in wanted:
            key, text = one["key"], one.get("value", "")
            if not self.is_blank(one):
                values[key] = re.sub(r"\$\{(.+?)\}", lambda name: bound.get(name[1], ""), text)
            elif is_secret_key(key):
                values[key] = self.secrets[key]
        return values

    def variables(self, services: Services, database: str) -> dict[str, str]:
        # Stands for the public CAs that every machine trusts.
        authority = {"SSL_CERT_FILE": str(services.authority)}
        wanted = [one for one in self.wanted if one.get("scope") != "BUILD_TIME"]
        return authority | self.values(wanted, self.bindings(services, database))

    def megabytes(self, process: str) -> int:
        size = str(self.components().get(process, {}).get("instance_size_slug", ""))
        match = SIZE.search(size)
        return int(float(match[1]) * 1024) if match else SMALLEST_INSTANCE

    def health_check(self) -> HealthCheck | None:
        """Without a path App Platform only connects. A process that is unhealthy gets no requests:
        https://docs.digitalocean.com/products/app-platform/how-to/manage-health-checks/

        The defaults are those of DigitalOcean's own answer:
        https://www.digitalocean.com/community/questions/what-are-the-health_check-default-values-for-timeouts-thresholds
        """
        given = self.web.get("health_check") or {}
        if not given.get("http_path"):
            return None
        return HealthCheck(
            given["http_path"],
            given.get("period_seconds", 10),
            given.get("timeout_seconds", 1),
            given.get("failure_threshold", 9),
        )

    def routed(self, headers: Headers, address: str, scheme: str) -> Headers:
        sent = dict(headers)
        addresses = [sent[b"x-forwarded-for"]] if b"x-forwarded-for" in sent else []
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
