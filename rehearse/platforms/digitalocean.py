"""DigitalOcean App Platform, as of 2026: https://docs.digitalocean.com/products/app-platform/"""

import re
import uuid
from collections.abc import Mapping
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from rehearse.buildpack import FinishFailed, read_text
from rehearse.platforms.base import (
    COMMIT,
    CannotStart,
    Headers,
    HealthCheck,
    Platform,
    is_secret_key,
    replaced,
    shaped,
)
from rehearse.platforms.heroku import read_procfile
from rehearse.processes import CommandFailed, run
from rehearse.services import Services

SPECS = (".do/app.yaml", ".do/app.yml", ".do/deploy.template.yaml", ".do/deploy.template.yml")
# What stands in a spec where the owner has to write a value, and an encrypted value.
BLANK = re.compile(r"YOUR_|_GOES_HERE|CHANGE_?ME|^EV\[|^<.*>$")
# GiB: https://docs.digitalocean.com/products/app-platform/details/pricing/ of sizes such as
# apps-s-1vcpu-1gb, and of the older basic-xs or professional-1l:
# https://docs.digitalocean.com/reference/api/digitalocean/#tag/Apps/operation/apps_list_instanceSizes
SIZE = re.compile(r"-([0-9.]+)gb")
OLD_SIZES = {"xxs": 0.5, "xs": 1, "s": 2, "m": 4, "1l": 4, "l": 8, "xl": 16}
# What is read of a spec.
ENVS = [dict.fromkeys(("key", "value", "scope", "type"), str)]
TEXTS = "name kind environment_slug source_dir build_command run_command instance_size_slug"
# https://www.digitalocean.com/community/questions/what-are-the-health_check-default-values-for-timeouts-thresholds
DEFAULTS = {"period_seconds": 10, "timeout_seconds": 1, "failure_threshold": 9}
DEFAULTS["initial_delay_seconds"] = 0
CHECK = {"http_path": str, **dict.fromkeys(DEFAULTS, int)}
COMPONENT: dict[str, Any] = dict.fromkeys(TEXTS.split(), str)
COMPONENT |= {"http_port": int, "envs": ENVS, "health_check": CHECK}
SPEC: dict[str, Any] = {"envs": ENVS, "databases": [{"name": str, "engine": str}]}
SPEC |= {kind: [COMPONENT] for kind in ("services", "workers", "jobs", "static_sites", "functions")}


def foreign(component: dict) -> str:
    """What the component is built from, if not from Python."""
    slug = component.get("environment_slug", "python")
    made = {"image": "an image", "dockerfile_path": "a Dockerfile"}
    found = next((made[name] for name in made if name in component), "")
    return found or ("" if slug.startswith("python") else slug)


class AppPlatform(Platform):
    """An app spec, and Heroku's Python buildpack:
    https://docs.digitalocean.com/products/app-platform/reference/app-spec/

    An old instance drains for 15 s, then gets SIGTERM, and 120 s later SIGKILL:
    https://docs.digitalocean.com/products/app-platform/how-to/configure-termination/

    Documented is that an upload ends after 100 s; we take it for every request's limit:
    https://docs.digitalocean.com/products/app-platform/details/limits/

    A cluster of 1 GB takes 22 connections; we take a development database for one:
    https://docs.digitalocean.com/products/databases/postgresql/details/limits/

    Requests go to http_port, by default 8080, and PORT is that unless the spec has one:
    https://docs.digitalocean.com/products/app-platform/reference/app-spec/
    """

    name, title = "digitalocean", "App Platform"
    host = "my-site-abcde.ondigitalocean.app"
    drain_seconds = 15
    grace = 120
    response_seconds = 100
    late = "504"
    ssl_cert_reqs = "required"
    release_advice = "Add a job to the app spec, with 'kind: PRE_DEPLOY' and 'run_command: {}'."
    builds_with_services = False
    postgres_connections = 22

    def __init__(self, folder: Path, component: str | None = None):
        super().__init__(folder, component)
        self.root = folder
        source = self.web.get("source_dir", "/").strip("/") if self.reads(folder) else ""
        if source:
            super().__init__(folder / source, component)
        self.http_port = self.web.get("http_port") or 8080
        # A health check, by HTTP or of the connection alone, may fail for so long.
        self.check_settings = own = DEFAULTS | self.web.get("health_check", {})
        tries = own["period_seconds"] * own["failure_threshold"]
        self.boot_seconds = own["initial_delay_seconds"] + tries

    @classmethod
    def reads(cls, folder: Path) -> bool:
        return any((folder / name).is_file() for name in SPECS)

    def check(self) -> None:
        if not self.reads(self.root) and not (self.folder / "Procfile").is_file():
            raise CannotStart("There is no .do/app.yaml: write an app spec, or a Procfile.")
        name = f"The service {self.web.get('name')}"
        # A slug names a buildpack, whatever else is there.
        has_slug, dockerfile = "environment_slug" in self.web, self.folder / "Dockerfile"
        if kind := foreign(self.web) or "a Dockerfile" * (not has_slug and dockerfile.is_file()):
            services = self.spec.get("services") or []
            others = [one.get("name") for one in services if not foreign(one) and one != self.web]
            hint = f" Choose another one: --component {others[0]}." if others else ""
            raise CannotStart(f"{name} is built from {kind}, which is not simulated.{hint}")
        if not self.web.get("run_command") and not (self.folder / "Procfile").is_file():
            raise CannotStart(
                f"{name} has no run_command, and there is no Procfile: add 'gunicorn app:app', say."
            )
        engines = {part.get("engine", "PG") for part in self.spec.get("databases", [])}
        if unknown := engines - {"PG", "VALKEY", "REDIS"}:
            raise CannotStart(f"A database of the engine {min(unknown)} is not simulated.")
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
        """The service to rehearse: ``component``, or the one called ``web``, or else the first."""
        services = self.spec.get("services") or []
        if not services:
            raise CannotStart("The app spec has no service: add one with a run_command.")
        name = self.component or "web"
        found = next((one for one in services if one.get("name") == name), None)
        if self.component and not found:
            names = ", ".join(str(one.get("name")) for one in services)
            raise CannotStart(f"The app spec has no service {name}; it has {names}.")
        return found or services[0]

    def parts(self, kind: str) -> dict[str, dict]:
        """The ``jobs`` or ``workers`` that are run here, by name."""
        parts = self.spec.get(kind) or []
        return {str(part.get("name")): part for part in parts if not self.why_not(kind, part)}

    def why_not(self, kind: str, part: dict) -> str:
        """Why the component is not run here; "" if it is, from what is built for the service."""
        if kind == "services":
            return "" if part is self.web else "--component takes it"
        if kind not in ("jobs", "workers"):
            return "not simulated"
        job, own, web = part.get("kind"), part.get("source_dir"), self.web.get("source_dir") or "/"
        if kind == "jobs" and job != "PRE_DEPLOY":
            return job or "POST_DEPLOY"
        if own and own.strip("/") != web.strip("/"):
            return f"another source_dir, {own}"
        return foreign(part) or ("" if part.get("run_command") else "no run_command")

    def untried(self) -> list[str]:
        return [
            f"{kind.removesuffix('s').replace('_', ' ')} {part.get('name')}: {why}"
            for kind in ("services", "jobs", "workers", "static_sites", "functions")
            for part in self.spec.get(kind) or []
            if (why := self.why_not(kind, part))
        ]

    def commands(self) -> dict[str, str]:
        commands = {"web": self.web.get("run_command")}
        if not commands["web"]:
            commands["web"] = read_procfile(self.folder / "Procfile")["web"]
        if jobs := self.parts("jobs"):
            commands["release"] = " && ".join(job["run_command"] for job in jobs.values())
        return commands | {n: one["run_command"] for n, one in self.parts("workers").items()}

    def wanted(self, process: str = "") -> list[dict]:
        """The variables of the app and of the process' components, or of all components:
        https://docs.digitalocean.com/products/app-platform/how-to/use-environment-variables/
        """
        jobs, workers = self.parts("jobs"), self.parts("workers")
        by_process = {name: [one] for name, one in workers.items()}
        by_process |= {"web": [self.web], "release": [*jobs.values()]}
        parts = by_process.get(process, []) if process else chain(*by_process.values())
        return [*(self.spec.get("envs") or []), *chain(*(one.get("envs") or [] for one in parts))]

    @staticmethod
    def is_blank(variable: dict) -> bool:
        value = str(variable.get("value", ""))
        is_missing = not value and variable.get("type") == "SECRET"
        return is_missing or bool(BLANK.search(value))

    def blanks(self) -> list[str]:
        return [
            one["key"]
            for one in self.wanted()
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
        wanted = [one for one in self.wanted("web") if one["key"] not in late]
        return self.values([one for one in wanted if "${" not in one.get("value", "")], {})

    def at_run_time(self) -> set[str]:
        return {
            one["key"] for one in self.wanted("web") if "BUILD" not in one.get("scope", "BUILD")
        }

    def finish(self, environment: dict[str, str]) -> None:
        """Also the service's own build_command, which comes last."""
        super().finish(environment)
        if command := self.web.get("build_command"):
            try:
                run(command, self.folder, environment)
            except CommandFailed as failure:
                raise FinishFailed(f"The build_command failed\n{failure}") from failure

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

    def variables(self, services: Services, database: str, process: str) -> dict[str, str]:
        # Stands for the public CAs that every machine trusts.
        authority = {"SSL_CERT_FILE": str(services.authority)}
        wanted = [one for one in self.wanted(process) if one.get("scope") != "BUILD_TIME"]
        return authority | self.values(wanted, self.bindings(services, database))

    def megabytes(self, process: str) -> int:
        part = self.web if process == "web" else self.parts("workers").get(process, {})
        size = str(part.get("instance_size_slug", ""))
        match = SIZE.search(size)
        gigabytes = float(match[1]) if match else OLD_SIZES.get(size.rpartition("-")[2], 0.5)
        return int(gigabytes * 1024)

    def web_process(self, environment: Mapping[str, str], port: int) -> tuple[str, dict[str, str]]:
        """``port`` stands for http_port: on this machine several processes cannot share that."""
        command, own = self.commands()["web"], str(self.http_port)
        if environment.get("PORT", own) == own:
            environment = {**environment, "PORT": str(port)}
        return re.sub(rf"(?<!\d){own}(?!\d)", str(port), command), {**environment}

    def health_check(self) -> HealthCheck | None:
        """Without a path App Platform only connects. A process that is unhealthy gets no requests:
        https://docs.digitalocean.com/products/app-platform/how-to/manage-health-checks/
        """
        own = self.check_settings
        times = own["period_seconds"], own["timeout_seconds"], own["failure_threshold"]
        return HealthCheck(own["http_path"], *times) if own.get("http_path") else None

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
