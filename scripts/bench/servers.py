"""Pages, streams and sockets of each server, started by the generated command.

Pages are also those of the same project with Django's own handlers, as Django's documentation deploys it.
"""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles

from rehearse.platforms import Heroku, Services
from rehearse.services import Certificates, Postgres, TLSProxy, Valkey
from scripts.bench import busy, pages, sockets
from scripts.bench.tables import Row
from tests.harness.combinations import bake
from tests.harness.deployment import Deployment
from tests.harness.site import Site
from tests.harness.views import add_views

SERVERS = ("wsgi-gunicorn", "wsgi-waitress", "asgi-uvicorn", "asgi-daphne")
TURNS = 10
STOCK = Path(__file__).resolve().parent / "stock"
# Of stock/settings.py, by interface.
CONNECTIONS = {
    "wsgi": ("lasting", "one a request"),
    "asgi": ("one a request", "psycopg's pool"),
}
# What the generated projects do; their README says why.
OWN_CONNECTIONS = {
    "wsgi-gunicorn": "psycopg's pool",
    "wsgi-waitress": "lasting",
    "asgi-uvicorn": "lasting, of page threads",
    "asgi-daphne": "lasting, of page threads",
}
GTHREAD = "gunicorn --config /dev/null --worker-class gthread --threads 4 stock.wsgi:application"
PAGES_NOTE = f"""\
The home page, logged in: a session and a user from PostgreSQL, over TLS. {pages.CLIENTS} clients, one process of
each server. "Django's" is the same project with `get_wsgi_application()` or `get_asgi_application()`, and
[connections](https://docs.djangoproject.com/en/stable/ref/databases/#persistent-connections) as Django's
documentation has them: under WSGI `CONN_MAX_AGE = 600` with health checks ("lasting") or 0, which opens a
TLS connection for each request; under ASGI, where they must not last, 0 or `OPTIONS["pool"]`. "Ours" is the
project as generated. The first row is stock gthread with 4 threads, the others have the command in the
Procfile. Turns of {pages.PAGES} pages alternate, {TURNS} of each row: medians. CPU is of all the server's processes,
for one page; "times" is the median of its ratio to the first row in the same turn, then the quartiles of it.
The aim: Uvicorn at most 1.25, Daphne at most 1.50."""
BUSY_NOTE = f"""\
The same page, asked for by one visitor {busy.PAGES} times: alone, then while {busy.STREAMS} streams of server-sent
events are open, then while {busy.WAITING} async views wait. One process; {busy.ROUNDS} turns, medians, also of
the ratios in each turn. The last columns are the most connections to PostgreSQL and their limit."""
SOCKETS_NOTE = """\
Pages of who is online, of one process; fan-out is how long it takes until all of them show a change,
login until they show that someone logged in, with the two requests that this takes."""


def measure(folder: Path) -> Iterator[tuple[str, str, list[Row]]]:
    with ExitStack() as stack:
        services = start_services(folder, stack)
        # The platform makes no difference to the servers.
        servers = [Server(name, folder, services) for name in SERVERS]
        on_asgi = [server for server in servers if server.interface == "asgi"]
        yield "Pages", PAGES_NOTE, compare(servers)
        yield "Pages of a busy site", BUSY_NOTE, [each.busy() for each in on_asgi]
        yield "Sockets", SOCKETS_NOTE, [row for each in on_asgi for row in each.sockets()]


def start_services(folder: Path, stack: ExitStack) -> Services:
    certificates = Certificates(folder)
    postgres = stack.enter_context(Postgres(folder, certificates, connections=200))
    valkey = stack.enter_context(Valkey(folder))
    files = (certificates.self_signed_certificate, certificates.self_signed_key)
    port = stack.enter_context(TLSProxy(valkey.port, *files)).port
    return Services(postgres, valkey, port, port, certificates.ca)


class Stock(Heroku):
    """The platform, with Django's own handler in place of the project's."""

    def command(self, process: str) -> str:
        command = super().command(process)
        return GTHREAD if "gunicorn" in command else command.replace(" config.", " stock.")


class Server:
    def __init__(self, name: str, folder: Path, services: Services):
        self.name, self.services = name, services
        self.interface, _, self.title = name.partition("-")
        project = bake({"platform": "heroku", "server": name}, folder / name)
        self.database = name.replace("-", "_")
        services.postgres.create_database(self.database)
        self.deployment = Deployment.make(Heroku(project), services, self.database)
        self.sessions = self.deployment.make_sessions(51)

    def stock(self, connections: str) -> Site:
        changes = {
            "DJANGO_SETTINGS_MODULE": "stock.settings",
            # The project first: its app "pages" is not our module.
            "PYTHONPATH": f"{self.deployment.platform.folder}:{STOCK.parent}",
            "STOCK_CONNECTIONS": connections,
            "GUNICORN_CMD_ARGS": "",  # Heroku's access log: the project has one
            "WEB_CONCURRENCY": "1",
        }
        platform = Stock(self.deployment.platform.folder)
        return Site(platform, self.deployment.environment | changes)

    def sites(self) -> Iterator[tuple[Row, Site]]:
        """Each with the first columns of its row."""
        for connections in CONNECTIONS[self.interface]:
            row: Row = {"server": self.title, "handler": "Django's", "connections": connections}
            yield row, self.stock(connections)
        row = {"server": self.title, "handler": "ours", "connections": OWN_CONNECTIONS[self.name]}
        yield row, self.deployment.site(WEB_CONCURRENCY="1")

    def busy(self) -> Row:
        changes = add_views(self.deployment)
        limit = "from paas.conf import settings; print(settings.WEB_THREADS + settings.ASYNC_CONNECTIONS)"

        def connections() -> int:
            return self.services.postgres.connections(self.database)

        with self.deployment.site(**changes, WEB_CONCURRENCY="1") as site:
            row = asyncio.run(busy.measure(site, self.sessions[0], connections))
        return {"server": self.title, **row, "limit": self.deployment.run_script(limit).strip()}

    def sockets(self) -> list[Row]:
        with self.deployment.site(WEB_CONCURRENCY="1") as site:

            def redis_connections() -> int:
                return self.services.redis_connections(site.process)

            rows = asyncio.run(sockets.measure(site, self.sessions, redis_connections))
        return [{"server": self.title, **row} for row in rows]


def compare(servers: list[Server]) -> list[Row]:
    """A row for each site of each server. All are up at once, and take turns in alternating order."""
    with ExitStack() as stack:
        sites = [
            (row, stack.enter_context(site), server.sessions[0])
            for server in servers
            for row, site in server.sites()
        ]
        turns: list[list[pages.Figures]] = [[] for _ in sites]
        for turn in range(TURNS):
            numbers = range(len(sites))
            for number in numbers if turn % 2 else reversed(numbers):
                _, site, session = sites[number]
                turns[number].append(asyncio.run(pages.load(site, session)))
    return [row | shown(found, turns[0]) for (row, _, _), found in zip(sites, turns, strict=True)]


def shown(turns: list[pages.Figures], base: list[pages.Figures]) -> Row:
    middle = pages.medians(turns)
    ratios = [one.cpu / other.cpu for one, other in zip(turns, base, strict=True)]
    low, _, high = quantiles(ratios, n=4)
    return {
        "CPU ms": middle.cpu,
        "times": median(ratios),
        "quartiles": f"{low:.2f} to {high:.2f}",
        "pages/s": middle.per_second,
        "p50 ms": middle.p50,
        "p99 ms": middle.p99,
    }
