"""A mutant: one protection of docs/protections.md, the edit that removes it, and its tests."""

from dataclasses import dataclass
from typing import Literal

PROJECT = "{{cookiecutter.project_slug}}"
# For the project's tests: all options.
EVERYTHING = "heroku-asgi-daphne-use_celery-use_s3_media"
# For the template's: SERVERS of tests/combinations.py.
DAPHNE = "heroku-asgi-daphne"
ASGI_GUNICORN = "digitalocean-asgi-gunicorn-use_celery"
WSGI_GUNICORN = "heroku-wsgi-gunicorn-use_celery-use_s3_media"
WAITRESS = "digitalocean-wsgi-waitress-use_s3_media"
# Starts a site with other variables.
CONFIGURED = (
    "test_accounts.py::test_the_environment_moves_the_admin_closes_sign_up_and_replaces_the_key"
)


@dataclass(frozen=True)
class Mutant:
    """In ``file`` the text ``old``, which occurs once, becomes ``new``; each of ``tests`` fails.

    ``file`` is a path in this repository. The tests run in the combination that ``answers`` names:
    those of the level "project" are the baked project's own, the others are in tests/ here.
    """

    protection: str  # the first cell of its row
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    answers: str
    level: Literal["project", "template"]

    def __str__(self) -> str:
        """The file, and the line that the edit changes."""
        lines = [text.strip().partition("\n")[0] for text in (self.old, self.new)]
        return f"{self.file.removeprefix(f'{PROJECT}/')}: {lines[0]} -> {lines[1]}"


def by_project(
    protection: str, file: str, old: str, new: str, *tests: str, answers: str = EVERYTHING
) -> Mutant:
    """A mutant of the project's ``file`` that its own tests find: ``tests/test_users.py::test_it``."""
    return Mutant(protection, f"{PROJECT}/{file}", old, new, tests, answers, "project")


def by_template(
    protection: str, file: str, old: str, new: str, *tests: str, answers: str = DAPHNE
) -> Mutant:
    """A mutant of ``file``, a path in this repository, that tests of the template find."""
    paths = tuple(f"tests/{test}" for test in tests)
    return Mutant(protection, file, old, new, paths, answers, "template")
