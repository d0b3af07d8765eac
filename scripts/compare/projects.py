"""What is compared: where each project comes from, what is changed in its copy, and what it is told."""

import os
import re
import subprocess
import sys
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

from uv import find_uv_bin

from rehearse.platforms.heroku import Heroku
from tests.harness import combinations

# The option --NAME of each repository that is compared, and where it comes from.
REPOSITORIES = {
    "cookiecutter-django": "https://github.com/cookiecutter/cookiecutter-django",
    "python-getting-started": "https://github.com/heroku/python-getting-started",
    "sample-django": "https://github.com/digitalocean/sample-django",
}
PROJECT = "{{cookiecutter.project_slug}}"


@dataclass(frozen=True)
class Edit:
    """In the file ``path`` every match of ``pattern`` is replaced; without one ``text`` is added."""

    path: str
    pattern: str
    text: str
    reason: str

    def apply(self, folder: Path) -> None:
        """Raises SystemExit if nothing matches: the copy is of another version."""
        path = folder / self.path
        before = path.read_text() if path.exists() else ""
        after = re.sub(self.pattern, self.text, before) if self.pattern else before + self.text
        if after == before:
            raise SystemExit(f"{path.name} has nothing like {self.pattern!r}: see {__file__}.")
        path.write_text(after)

    def __str__(self) -> str:
        name = self.path.removeprefix(f"{PROJECT}/")
        return f"`{name}` says `{self.text.strip()}`: {self.reason}"


@dataclass(frozen=True)
class Project:
    """A column of the tables. ``repository`` is "" for one of this template."""

    name: str
    repository: str = ""
    answers: dict = field(default_factory=dict)
    edits: tuple[Edit, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)

    def make(self, copy: Path | None, folder: Path) -> Path:
        """Make the project in ``folder``, of the git repository ``copy``, and return its path."""
        if copy is None:
            return combinations.bake(self.answers, folder)
        source = folder / self.repository
        extract(copy, source)
        for edit in self.edits:
            edit.apply(source)
        return bake(source, self.answers, folder) if self.answers else source


NO_314 = "the machine of this run has no Python 3.14"
# The template's own and uv's files have to agree.
ON_313 = (
    Edit(f"{PROJECT}/.python-version", r"3\.14", "3.13", NO_314),
    Edit(f"{PROJECT}/uv.lock", r"==3\.14\.\*", "==3.13.*", NO_314),
    Edit(f"{PROJECT}/pyproject.toml", r"==3\.14\.\*", "==3.13.*", NO_314),
)
HEROKU = {"use_heroku": "y", "use_whitenoise": "y", "cloud_provider": "None"}
VARIABLES = {
    "DJANGO_SETTINGS_MODULE": "config.settings.production",
    "DJANGO_ALLOWED_HOSTS": Heroku.host,
    "DJANGO_SECRET_KEY": "of-this-comparison",
    "DJANGO_ADMIN_URL": "admin-of-this-comparison/",
    "MAILGUN_API_KEY": "none",
    "MAILGUN_DOMAIN": "mail.example.com",
}
OWN = {"platform": "heroku", "use_s3_media": False}
PROJECTS = [
    Project("ours, wsgi-gunicorn", answers=OWN | {"server": "wsgi-gunicorn", "use_celery": False}),
    Project(
        "ours, asgi-daphne, Celery", answers=OWN | {"server": "asgi-daphne", "use_celery": True}
    ),
    Project("cookiecutter-django", "cookiecutter-django", HEROKU, ON_313, VARIABLES),
    Project(
        "cookiecutter-django, async, Celery",
        "cookiecutter-django",
        HEROKU | {"use_async": "y", "use_celery": "y"},
        (
            *ON_313,
            Edit(
                f"{PROJECT}/requirements/base.txt",
                "",
                "packaging\n",
                "kombu 5.7.0 imports it for Redis, and requires it in its extra `redis` only;"
                " without it `celery call` ends with a ModuleNotFoundError",
            ),
        ),
        VARIABLES,
    ),
    Project(
        "python-getting-started",
        "python-getting-started",
        edits=(Edit(".python-version", r"3\.14", "3.13", NO_314),),
    ),
    Project(
        "sample-django",
        "sample-django",
        edits=(
            Edit(
                ".python-version",
                "",
                "3.11\n",
                "it names no Python, and Django 4.0 imports `cgi`, which Python 3.13 has no more",
            ),
            Edit(
                "requirements.txt",
                "",
                "\nsetuptools<81\n",
                "Gunicorn 20.1 imports `pkg_resources`, which newer releases have no more",
            ),
        ),
    ),
]


def extract(copy: Path, folder: Path) -> None:
    """Write the files of the newest commit of a git repository, bare or not, to the folder."""
    archive = folder.with_suffix(".tar")
    git(copy, "archive", "--output", str(archive), "HEAD")
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")
    archive.unlink()


def commit(copy: Path) -> str:
    """The newest commit's hash and date."""
    return git(copy, "log", "-1", "--format=%h, %cs")


def git(copy: Path, *words: str) -> str:
    command = ["git", "-C", str(copy), *words]
    return subprocess.check_output(command, encoding="utf-8").strip()


def bake(template: Path, answers: dict, output: Path) -> Path:
    """Bake another's template, whose hook runs ``uv add``, and return the project's path."""
    words = [f"{name}={value}" for name, value in answers.items()]
    options = ["--no-input", "--default-config", "--output-dir", str(output)]
    command = [sys.executable, "-m", "cookiecutter", *options, str(template), *words]
    path = f"{Path(find_uv_bin()).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        command, check=False, capture_output=True, env=os.environ | {"PATH": path}
    )
    if done.returncode:
        raise SystemExit(f"{template.name} cannot be baked:\n{done.stderr.decode()}")
    return next(path for path in output.iterdir() if path != template)
