"""Projects of each server, started by the generated command or as Django's documentation deploys them."""

from collections.abc import Iterator
from pathlib import Path

from rehearse.platforms import Heroku
from tests.harness.combinations import bake
from tests.harness.deployment import Deployment
from tests.harness.services import Services
from tests.harness.site import Site

Row = dict[str, str | float]
# The first one's stock project is what others are compared with.
SERVERS = ("wsgi-gunicorn", "wsgi-waitress", "asgi-uvicorn", "asgi-daphne")
STOCK = Path(__file__).resolve().parent / "stock"
# Of stock/settings.py, by interface.
CONNECTIONS = {
    "wsgi": ("persistent", "one a request"),
    "asgi": ("one a request", "psycopg's pool"),
}
# What the generated projects do; their README says why.
OWN_CONNECTIONS = {
    "wsgi-gunicorn": "psycopg's pool",
    "wsgi-waitress": "persistent",
    "asgi-uvicorn": "persistent, of page threads",
    "asgi-daphne": "persistent, of page threads",
}
GTHREAD = "gunicorn --config /dev/null --worker-class gthread --threads 4 stock.wsgi:application"


class Stock(Heroku):
    """The platform, with Django's own handler in place of the project's."""

    def commands(self) -> dict[str, str]:
        return {
            name: GTHREAD if "gunicorn" in one else one.replace(" config.", " stock.")
            for name, one in super().commands().items()
        }


class Server:
    """A project of one server, released, with the ``sessions`` of 51 people."""

    def __init__(self, name: str, folder: Path, services: Services):
        self.name, self.services = name, services
        self.interface, _, self.title = name.partition("-")
        project = bake({"platform": "heroku", "server": name}, folder / name)
        self.database = name.replace("-", "_")
        services.postgres.create_database(self.database)
        self.deployment = Deployment.make(Heroku(project), services, self.database)
        self.sessions = self.deployment.make_sessions(51)

    def sites(self) -> Iterator[tuple[Row, Site]]:
        """The stock sites, then ours; each with the first columns of its row."""
        for connections in CONNECTIONS[self.interface]:
            row: Row = {"server": self.title, "handler": "Django's", "connections": connections}
            yield row, self.stock(connections)
        row = {"server": self.title, "handler": "ours", "connections": OWN_CONNECTIONS[self.name]}
        yield row, self.site()

    def site(self, **changes: str) -> Site:
        """The project as generated, in one process."""
        return self.deployment.site(**changes, WEB_CONCURRENCY="1")

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
