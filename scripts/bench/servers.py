"""What each server does in a second, and what it takes: with a baked project, and with a minimal one."""

import asyncio
import statistics
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from rehearsal.combinations import EACH_SERVER, bake
from rehearsal.deployment import Deployment
from rehearsal.platforms import Heroku, Services
from rehearsal.services import Certificates, Postgres, TLSProxy, Valkey
from rehearsal.site import Site, session_cookie
from rehearsal.views import add_views
from scripts.bench import busy, pages, sockets
from scripts.bench.tables import Row

ROUNDS = 10
OTHER_ROUNDS = 5
MINIMAL = Path(__file__).resolve().parent / "minimal"
# How each server is started by its own documentation, with as many processes and threads.
PLAIN_COMMANDS = {
    "asgi-daphne": "daphne --bind 127.0.0.1 --port $PORT minimal.asgi:application",
    "asgi-gunicorn": "gunicorn --config /dev/null --worker-class asgi minimal.asgi:application",
    "wsgi-gunicorn": "gunicorn --config /dev/null --threads 4 minimal.wsgi:application",
    "wsgi-waitress": "waitress-serve --port $PORT --threads 8 minimal.wsgi:application",
}
PAGES_NOTE = f"""\
The home page, logged in: a session and a user from PostgreSQL, {pages.CLIENTS} clients. "Minimal" is a
project of one view and one template, which says the same, with the same middleware, on the same
server as it comes. Both run, and are asked in turns: medians of {ROUNDS} seconds each, and of the
ratios of neighbours. CPU is of all the server's processes, for one page."""
INTERFACES_NOTE = f"""\
The same page of ASGI and of Gunicorn WSGI, of one process each. Both run, and are asked in turns:
medians of {ROUNDS} seconds each, and of the ratios of neighbours."""
BUSY_NOTE = f"""\
The same page, asked for by one visitor again and again: alone, then while {busy.STREAMS} streams of server-sent
events are open, then while {busy.WAITING} async views wait. One process; in turns, medians of {busy.ROUNDS} seconds
each, and of the ratios of neighbours. Beside the most connections to PostgreSQL is what they may be."""
OTHERS_NOTE = (
    f"Answers a second, {pages.CLIENTS} clients: medians of {OTHER_ROUNDS} seconds each; boot and memory of "
    "all the server's processes."
)
SOCKETS_NOTE = (
    "Pages of who is online, of one process; fan-out is how long a change takes to reach all."
)


def measure(folder: Path) -> Iterator[tuple[str, str, list[Row]]]:
    with ExitStack() as stack:
        services = start_services(folder, stack)
        # The platform makes no difference to them.
        names = [answers["server"] for answers in EACH_SERVER if answers["platform"] == "heroku"]
        servers = {name: Server(name, folder, services) for name in names}
        on_asgi = [server for name, server in servers.items() if name.startswith("asgi")]
        yield "Database pages", PAGES_NOTE, [each.database_pages() for each in servers.values()]
        wsgi = servers["wsgi-gunicorn"]
        yield "ASGI beside WSGI", INTERFACES_NOTE, [each.beside(wsgi) for each in on_asgi]
        yield "Pages of a busy site", BUSY_NOTE, [each.busy() for each in on_asgi]
        yield "Other answers", OTHERS_NOTE, [each.others() for each in servers.values()]
        yield "Sockets", SOCKETS_NOTE, [row for each in on_asgi for row in each.crowds()]


def start_services(folder: Path, stack: ExitStack) -> Services:
    certificates = Certificates(folder)
    postgres = stack.enter_context(Postgres(folder, certificates))
    valkey = stack.enter_context(Valkey(folder))
    files = (certificates.self_signed_certificate, certificates.self_signed_key)
    port = stack.enter_context(TLSProxy(valkey.port, *files)).port
    return Services(postgres, valkey, port, port, certificates.ca)


class Plain(Heroku):
    """The platform, where the server is started as it comes and serves the minimal project."""

    plain_command: str

    def command(self, process: str) -> str:
        return self.plain_command


class Server:
    def __init__(self, name: str, folder: Path, services: Services):
        self.name, self.postgres = name, services.postgres
        project = bake({"platform": "heroku", "server": name}, folder / name)
        self.database = name.replace("-", "_")
        services.postgres.create_database(self.database)
        self.deployment = Deployment.make(Heroku(project), services, self.database)
        self.sessions = self.deployment.make_sessions(51)
        platform = Plain(project)
        platform.plain_command = PLAIN_COMMANDS[name]
        environment = self.deployment.environment | {
            "DJANGO_SETTINGS_MODULE": "minimal.settings",
            "PYTHONPATH": f"{MINIMAL.parent}:{project}",
        }
        self.minimal = Deployment(platform, environment, "")

    def headers(self, site: Site) -> dict[str, str]:
        host = {"Host": site.platform.host, "X-Forwarded-Proto": "https"}
        return host | session_cookie(self.sessions[0])

    def load(self, site: Site, path: str) -> pages.Figures:
        return asyncio.run(pages.load(site, self.headers(site), path))

    def database_pages(self) -> Row:
        # At once, as the machine's speed changes from one second to the next.
        with self.deployment.site() as site, self.minimal.site() as other:
            rounds = [(self.load(site, "/"), self.load(other, "/")) for _ in range(ROUNDS)]
        baked, minimal = map(medians, zip(*rounds, strict=True))
        return {
            "server": self.name,
            "pages/s": baked.per_second,
            "minimal pages/s": minimal.per_second,
            "ratio": statistics.median(one.per_second / two.per_second for one, two in rounds),
            "CPU ms": baked.cpu,
            "minimal CPU ms": minimal.cpu,
            "p50 ms": baked.p50,
            "minimal p50 ms": minimal.p50,
            "p99 ms": baked.p99,
            "minimal p99 ms": minimal.p99,
        }

    def beside(self, wsgi: "Server") -> Row:
        with (
            self.deployment.site(WEB_CONCURRENCY="1") as site,
            wsgi.deployment.site(WEB_CONCURRENCY="1") as other,
        ):
            rounds = [(self.load(site, "/"), wsgi.load(other, "/")) for _ in range(ROUNDS)]
        ours, theirs = map(medians, zip(*rounds, strict=True))
        return {
            "server": self.name,
            "CPU ms": ours.cpu,
            "WSGI CPU ms": theirs.cpu,
            "CPU ratio": statistics.median(one.cpu / two.cpu for one, two in rounds),
            "pages/s": ours.per_second,
            "WSGI pages/s": theirs.per_second,
            "pages/s ratio": statistics.median(
                one.per_second / two.per_second for one, two in rounds
            ),
        }

    def busy(self) -> Row:
        changes = add_views(self.deployment)
        threads = "from django.conf import settings; print(settings.WEB_THREADS)"
        with self.deployment.site(**changes, WEB_CONCURRENCY="1") as site:
            other = busy.Busy(
                site, self.headers(site), lambda: self.postgres.connections(self.database)
            )
            row = asyncio.run(other.measure())
        return {
            "server": self.name,
            **row,
            "PostgreSQL": str(other.most_connections),
            "threads + 2": str(int(self.deployment.run_script(threads)) + 2),
        }

    def others(self) -> Row:
        row: Row = {"server": self.name}
        with self.deployment.site() as site:
            row |= {"boot s": site.boot_seconds, "memory MB": site.boot_megabytes}
            with site.visitor() as visitor:
                style = pages.style_sheet(visitor.get("/").text)
            for name, path in (("health", "/healthz"), ("static", style)):
                found = medians([self.load(site, path) for _ in range(OTHER_ROUNDS)])
                row |= {
                    f"{name}/s": found.per_second,
                    f"{name} p50 ms": found.p50,
                    f"{name} p99 ms": found.p99,
                }
        return row

    def crowds(self) -> list[Row]:
        with self.deployment.site(WEB_CONCURRENCY="1") as site:
            rows = asyncio.run(sockets.measure(site, self.sessions))
        return [{"server": self.name, **row} for row in rows]


def medians(rounds: Iterable[pages.Figures]) -> pages.Figures:
    return pages.Figures(*map(statistics.median, zip(*rounds, strict=True)))
