"""Throughput, latency, CPU and memory of each server, with a baked project and a minimal one."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from harness.combinations import bake
from harness.deployment import Deployment
from harness.site import Site
from harness.views import add_views
from rehearsal.platforms import Heroku, Services
from rehearsal.services import Certificates, Postgres, TLSProxy, Valkey
from scripts.bench import busy, pages, sockets
from scripts.bench.tables import Row

STARTS = 10
ROUNDS = 10
OTHER_ROUNDS = 5
Round = tuple[pages.Figures, pages.Figures]
MINIMAL = Path(__file__).resolve().parent / "minimal"
# How each server is started by its own documentation, with as many processes and threads.
PLAIN_COMMANDS = {
    "asgi-daphne": "daphne --bind 127.0.0.1 --port $PORT minimal.asgi:application",
    "asgi-uvicorn": "uvicorn --port $PORT minimal.asgi:application",
    "wsgi-gunicorn": "gunicorn --config /dev/null --threads 4 minimal.wsgi:application",
    "wsgi-waitress": "waitress-serve --port $PORT --threads 8 minimal.wsgi:application",
}
PAGES_NOTE = f"""\
The home page, logged in: a session and a user from PostgreSQL, {pages.CLIENTS} clients. "Minimal" is a
project of one view and one template, with the same text and the same middleware, on the same
server as it comes. Both are started {STARTS} times, and are asked in turns for a second: medians, also of
the ratios in each turn, and the most CPU that a start took. CPU is of all processes, for one page."""
STYLES_NOTE = """\
The same figures of the page's style sheet, from the same starts. WhiteNoise serves it on both."""
INTERFACES_NOTE = f"""\
The page on ASGI and on Gunicorn WSGI, of one process each, in {ROUNDS} turns of one start."""
BUSY_NOTE = f"""\
The same page, asked for by one visitor again and again: alone, then while {busy.STREAMS} streams of server-sent
events are open, then while {busy.WAITING} async views wait. One process; in turns, medians of {busy.ROUNDS} seconds
each, and of the ratios in each turn. The last columns are the most connections to PostgreSQL and
their limit."""
OTHERS_NOTE = (
    f"Answers a second, {pages.CLIENTS} clients: medians of {OTHER_ROUNDS} seconds each; boot and memory of "
    "all the server's processes."
)
SOCKETS_NOTE = """\
Pages of who is online, of one process; fan-out is how long it takes until all of them show a change,
login until they show that someone logged in, with the two requests that this takes."""


def measure(folder: Path) -> Iterator[tuple[str, str, list[Row]]]:
    with ExitStack() as stack:
        services = start_services(folder, stack)
        # The platform makes no difference to the servers.
        servers = {name: Server(name, folder, services) for name in PLAIN_COMMANDS}
        on_asgi = [server for name, server in servers.items() if name.startswith("asgi")]
        beside_minimal = [each.beside_minimal() for each in servers.values()]
        yield "Database pages", PAGES_NOTE, [page for page, _ in beside_minimal]
        yield "Style sheets", STYLES_NOTE, [style for _, style in beside_minimal]
        wsgi = servers["wsgi-gunicorn"]
        yield "ASGI beside WSGI", INTERFACES_NOTE, [each.beside(wsgi) for each in on_asgi]
        yield "Pages of a busy site", BUSY_NOTE, [each.busy() for each in on_asgi]
        yield "Other answers", OTHERS_NOTE, [each.others() for each in servers.values()]
        yield "Sockets", SOCKETS_NOTE, [row for each in on_asgi for row in each.sockets()]


def start_services(folder: Path, stack: ExitStack) -> Services:
    certificates = Certificates(folder)
    postgres = stack.enter_context(Postgres(folder, certificates))
    valkey = stack.enter_context(Valkey(folder))
    files = (certificates.self_signed_certificate, certificates.self_signed_key)
    port = stack.enter_context(TLSProxy(valkey.port, *files)).port
    return Services(postgres, valkey, port, port, certificates.ca)


class Plain(Heroku):
    """The platform, with an unmodified server that serves the minimal project."""

    def __init__(self, folder: Path, plain_command: str):
        super().__init__(folder)
        self.plain_command = plain_command

    def command(self, process: str) -> str:
        return self.plain_command


class Server:
    def __init__(self, name: str, folder: Path, services: Services):
        self.name, self.services = name, services
        project = bake({"platform": "heroku", "server": name}, folder / name)
        self.database = name.replace("-", "_")
        services.postgres.create_database(self.database)
        self.deployment = Deployment.make(Heroku(project), services, self.database)
        self.sessions = self.deployment.make_sessions(51)
        minimal = {
            "DJANGO_SETTINGS_MODULE": "minimal.settings",
            "PYTHONPATH": f"{MINIMAL.parent}:{project}",
        }
        environment = self.deployment.environment | minimal
        self.minimal = Deployment(Plain(project, PLAIN_COMMANDS[name]), environment, "")

    def load(self, site: Site, path: str = "/") -> pages.Figures:
        return asyncio.run(pages.load(site, self.sessions[0], path))

    def beside_minimal(self) -> tuple[Row, Row]:
        """The rows of the page and of its style sheet, each start of which is a turn."""
        of_pages, of_styles = [], []
        for _ in range(STARTS):
            with self.deployment.site() as site, self.minimal.site() as other:
                path = style_sheet(site)
                of_pages.append((self.load(site), self.load(other)))
                of_styles.append((self.load(site, path), self.load(other, path)))
        return self.of_starts("pages", of_pages), self.of_starts("files", of_styles)

    def of_starts(self, what: str, rounds: list[Round]) -> Row:
        most = [max(each.cpu for each in side) for side in zip(*rounds, strict=True)]
        row: Row = {"server": self.name, **compared("minimal", rounds, what)}
        return row | {"most CPU ms": most[0], "minimal most CPU ms": most[1]}

    def beside(self, wsgi: "Server") -> Row:
        with (
            self.deployment.site(WEB_CONCURRENCY="1") as site,
            wsgi.deployment.site(WEB_CONCURRENCY="1") as other,
        ):
            rounds = [(self.load(site), wsgi.load(other)) for _ in range(ROUNDS)]
        return {"server": self.name, **compared("WSGI", rounds)}

    def busy(self) -> Row:
        changes = add_views(self.deployment)
        threads = "from django.conf import settings; print(settings.WEB_THREADS)"

        def connections() -> int:
            return self.services.postgres.connections(self.database)

        with self.deployment.site(**changes, WEB_CONCURRENCY="1") as site:
            row = asyncio.run(busy.measure(site, self.sessions[0], connections))
        most = str(int(self.deployment.run_script(threads)) + 2)
        return {"server": self.name, **row, "threads + 2": most}

    def others(self) -> Row:
        with self.deployment.site() as site:
            row: Row = {"server": self.name, "boot s": site.boot_seconds}
            row["memory MB"] = site.boot_megabytes
            found = pages.medians(self.load(site, "/healthz") for _ in range(OTHER_ROUNDS))
        row["health/s"], row["health CPU ms"] = found.per_second, found.cpu
        return row | {"health p50 ms": found.p50, "health p99 ms": found.p99}

    def sockets(self) -> list[Row]:
        with self.deployment.site(WEB_CONCURRENCY="1") as site:

            def redis_connections() -> int:
                return self.services.redis_connections(site.process)

            rows = asyncio.run(sockets.measure(site, self.sessions, redis_connections))
        return [{"server": self.name, **row} for row in rows]


def style_sheet(site: Site) -> str:
    """The path of the home page's style sheet."""
    with site.visitor() as visitor:
        (path,) = set(re.findall(r'href="(/static/[^"]+\.css)"', visitor.get("/").text))
    return path


def compared(name: str, rounds: list[Round], what: str = "pages") -> Row:
    """The figures of two sites that were asked in turns, and the ratios in each turn."""
    ours, theirs = map(pages.medians, zip(*rounds, strict=True))
    return {
        f"{what}/s": ours.per_second,
        f"{name} {what}/s": theirs.per_second,
        "ratio": median(one.per_second / two.per_second for one, two in rounds),
        "CPU ms": ours.cpu,
        f"{name} CPU ms": theirs.cpu,
        "CPU ratio": median(one.cpu / two.cpu for one, two in rounds),
        "p50 ms": ours.p50,
        f"{name} p50 ms": theirs.p50,
        "p99 ms": ours.p99,
        f"{name} p99 ms": theirs.p99,
    }
