"""A project with more views than a baked one has: slow, streamed, large and failing ones."""

import shutil
from pathlib import Path

import psycopg

from rehearsal.deployment import Deployment

EXTRA = Path(__file__).with_name("extra")
FILE_SIZE = 50_000_000


def add_views(deployment: Deployment) -> dict[str, str]:
    """Add the package ``extra`` to a deployed project, and its table to the database.

    Returns what to change in the environment to use them. ``EXTRA_MIDDLEWARE``, dotted paths with
    spaces between, and ``ATOMIC_REQUESTS`` may be added to that.
    """
    folder = deployment.platform.folder / "extra"
    shutil.copytree(EXTRA, folder, ignore=shutil.ignore_patterns("__pycache__"))
    write_file(folder / "fifty_megabytes")
    changes = {"DJANGO_SETTINGS_MODULE": "extra.settings"}
    migrate = "python manage.py migrate --noinput --run-syncdb"
    deployment.run(migrate, deployment.environment | changes)
    return changes


def write_file(path: Path) -> None:
    """Write FILE_SIZE bytes that differ from place to place."""
    with path.open("wb") as file:
        for number in range(FILE_SIZE // 500):
            file.write(b"%-500d" % number)


def rows(database: str, name: str) -> int:
    """How many rows of that name the views have written; ``database`` is its URL."""
    with psycopg.connect(database) as connection:
        query = "SELECT count(*) FROM extra_row WHERE name = %s"
        return connection.execute(query, [name]).fetchone()[0]


def add_rows(database: str, name: str, count: int) -> None:
    """Write rows with the numbers from 0 on."""
    with psycopg.connect(database) as connection:
        query = "INSERT INTO extra_row (name, number) SELECT %s, generate_series(0, %s)"
        connection.execute(query, [name, count - 1])
