"""A project of ``django-admin startproject`` that follows the steps of django-paas' README.

They are read from the README: its table of servers, and its code blocks, of which the first line
names the file.
"""

import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt

from rehearse.platforms import Heroku
from rehearse.processes import run
from rehearse.services import Services
from tests.harness.combinations import PACKAGE

README = PACKAGE / "README.md"
SETTINGS = "mysite/settings.py"


class Server(NamedTuple):
    """A row of the README's table."""

    name: str
    interface: str
    extras: str
    command: str


def servers() -> dict[str, Server]:
    """The rows, by the template's names of the servers; the README's examples are for the first."""
    row = r"^\| (\w+), (\w+) \| `(.+?)` \| `(.+?)` \|$"
    rows = [Server(*cells) for cells in re.findall(row, README.read_text(), re.MULTILINE)]
    return {f"{row.interface}-{row.name}".lower(): row for row in rows}


def files(server: str) -> dict[str, str]:
    """The code blocks that a reader with this server takes, by the files that they name."""
    example, own = next(iter(servers().values())), servers()[server]
    found = {}
    for token in MarkdownIt().parse(README.read_text()):
        if match := re.fullmatch(r"# (\S+)\n(.+)", token.content, re.DOTALL):
            text = match[2].replace(example.command, own.command)
            found[match[1]] = text.replace(f"[{example.extras}]", f"[{own.extras}]")
    if own.name != "Gunicorn":
        del found["gunicorn.conf.py"]
    if own.interface == "WSGI":
        del found["mysite/asgi.py"]
        found[SETTINGS] = re.sub(
            r"^.*# under ASGI only.*\n", "", found[SETTINGS], flags=re.MULTILINE
        )
    else:
        del found["mysite/wsgi.py"]
    return found


class ExistingProject(Heroku):
    """``startproject``'s files in ``folder``, with those of the README for the server."""

    def __init__(self, folder: Path, server: str, programs: Path):
        super().__init__(folder)
        self.server, self.programs = server, programs

    def build(self, given: Mapping[str, str] = {}) -> None:
        self.folder.mkdir()
        run("django-admin startproject mysite .", self.folder, self.build_environment())
        for path, text in files(self.server).items():
            # Settings are added to those of startproject; the other files are new, or replaced.
            with (self.folder / path).open("a" if path == SETTINGS else "w") as file:
                file.write(text)
        run("python manage.py collectstatic --noinput", self.folder, self.build_environment())

    def variables(self, services: Services, database: str, process: str) -> dict[str, str]:
        return {
            "SECRET_KEY": secrets.token_urlsafe(50),
            "ALLOWED_HOSTS": self.host,
            "DATABASE_URL": services.postgres.url(database),
        }
