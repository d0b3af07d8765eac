"""A project with more views than a baked one has: slow, streamed, large and failing ones."""

import json
import shutil
from pathlib import Path

import psycopg

from rehearse.raw import Raw, Response
from tests.harness.deployment import Deployment
from tests.harness.site import Site

EXTRA = Path(__file__).with_name("extra")
# Bytes of the file that is downloaded: 400 pieces of 64 KiB.
FILE_SIZE = 400 * 65536


def add_views(deployment: Deployment) -> dict[str, str]:
    """Add the package ``extra`` to a deployed project, and its table to the database.

    Returns what to change in the environment to use them. ``EXTRA_MIDDLEWARE``, dotted paths with
    spaces between, and ``ATOMIC_REQUESTS`` may be added.
    """
    folder = deployment.platform.folder / "extra"
    shutil.copytree(EXTRA, folder, ignore=shutil.ignore_patterns("__pycache__"))
    # Every line differs, so that a piece that is lost or repeated shows.
    lines = b"".join(b"%-512d" % number for number in range(FILE_SIZE // 512))
    (folder / "large_file").write_bytes(lines)
    changes = {"DJANGO_SETTINGS_MODULE": "extra.settings"}
    migrate = "python manage.py migrate --noinput --run-syncdb"
    deployment.run(migrate, deployment.environment | changes)
    return changes


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


def counts(site: Site) -> dict[str, int]:
    """What extra/streams.py counts in the site's only process."""
    return json.loads(get(site, "/extra/counts/").body)


def get(site: Site, path: str) -> Response:
    with Raw(site) as client:
        client.send(path, Connection="close")
        return client.read()
