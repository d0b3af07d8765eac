"""A project that an older version made takes this one with ``cruft update``, and stays its user's."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from rehearsal.combinations import TEMPLATE, by_name, for_combinations
from rehearsal.deployment import Deployment
from rehearsal.platforms import PLATFORMS
from rehearsal.processes import bare_environment, run
from rehearsal.site import SESSION_COOKIE

# The changelog's, as a clone need not have the tags: ``## v0.1.0 (d118359)``.
CHANGELOG = (TEMPLATE / "CHANGELOG.md").read_text()
VERSIONS = re.findall(r"^## (v[\d.]+) \((\w+)\)$", CHANGELOG, re.MULTILINE)
# The lines by which v0.1.0's sessions stay, from the changelog too.
KEEP_SESSIONS = "".join(
    re.findall(r"^  ((?:SESSION_|AUTHENTICATION_).+\n)", CHANGELOG, re.MULTILINE)
)
for_two = for_combinations(by_name("heroku-asgi-daphne", "digitalocean-wsgi-gunicorn"))
PROGRAMS = Path(sys.executable).parent
ME = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in {"NAME": "Ada", "EMAIL": "ada@example.com"}.items()
}

# What the user makes of a new project: an app with a table and a page, and changes to our files.
NEW_FILES = {
    "notes/__init__.py": "",
    "notes/migrations/__init__.py": "",
    "notes/models.py": """\
from django.db import models


class Note(models.Model):
    text = models.TextField()

    def __str__(self):
        return self.text
""",
    "notes/migrations/0001_initial.py": """\
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Note",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.TextField()),
            ],
        ),
    ]
""",
    "notes/urls.py": """\
from django.urls import path
from django.views.generic import ListView

from notes.models import Note

urlpatterns = [
    path("", ListView.as_view(model=Note), name="notes"),
]
""",
    "templates/notes/note_list.html": """\
{% extends "base.html" %}

{% block content %}
<h1>Notes</h1>
{% for note in note_list %}<p>{{ note }}</p>{% endfor %}
{% endblock %}
""",
    "notes/asgi.py": """\
class Counted:
    def __init__(self, application):
        self.application = application
        self.calls = 0

    async def __call__(self, scope, receive, send):
        self.calls += 1
        await self.application(scope, receive, send)
""",
    "tests/test_notes.py": """\
from django.urls import reverse

from notes.models import Note


def test_notes_are_listed(client, db):
    Note.objects.create(text="Buy milk")
    assert "Buy milk" in client.get(reverse("notes")).text
""",
}
CHANGES = {
    "config/settings.py": [
        ('TIME_ZONE = "UTC"', 'TIME_ZONE = "Europe/Oslo"'),
        ('    "users",\n]', '    "users",\n    "notes",\n]'),
    ],
    "config/urls.py": [
        (
            '    path("", include("pages.urls")),\n',
            '    path("", include("pages.urls")),\n    path("notes/", include("notes.urls")),\n',
        )
    ],
    "templates/pages/home.html": [("Your site is up and running.", "Write it down.")],
}
# At the end of a file, as where a library's middleware wraps the application.
ADDITIONS = {
    "config/asgi.py": """
from notes.asgi import Counted

application = Counted(application)
""",
}
CHANGES_OF_MANIFESTS = {
    "heroku": {"app.json": [('"quantity": 1', '"quantity": 2')]},
    "digitalocean": {".do/app.yaml": [('version: "16"', 'version: "17"')]},
}


def edit(folder: Path, platform: str) -> None:
    """Make the project in ``folder`` the user's own."""
    for name, text in NEW_FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for name, changes in (CHANGES | CHANGES_OF_MANIFESTS[platform]).items():
        text = (folder / name).read_text()
        for old, new in changes:
            assert text.count(old) == 1, f"{old!r} in {name}"
            text = text.replace(old, new)
        (folder / name).write_text(text)
    for name, text in ADDITIONS.items():
        if (folder / name).exists():
            with (folder / name).open("a") as file:
                file.write(text)


def files_in(folder: Path) -> dict[str, str]:
    """The text of every file by its path, without those of git and cruft."""
    paths = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts)
    texts = {path.relative_to(folder).as_posix(): path.read_text() for path in paths}
    return {name: text for name, text in texts.items() if name != ".cruft.json"}


def has_commit(commit: str) -> bool:
    asked = ["git", "cat-file", "-e", f"{commit}^{{commit}}"]
    return subprocess.run(asked, cwd=TEMPLATE, check=False, capture_output=True).returncode == 0


@dataclass
class Updated:
    """A user's project as it was (``before``), and after ``cruft update`` (``folder``)."""

    before: Path
    folder: Path
    environment: dict[str, str]

    def run(self, command: str) -> str:
        return run(command, self.folder, self.environment)


@pytest.fixture(scope="module", params=VERSIONS, ids=lambda version: version[0])
def commit(request) -> str:
    """That of a version which is out, if this clone has it."""
    version, commit = request.param
    if not has_commit(commit):
        pytest.skip(f"{version} ({commit}) is not in this clone: type `git fetch --unshallow`.")
    return commit


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    """A repository with our history and, as its newest version, the working tree as it stands."""
    folder = tmp_path_factory.mktemp("template")
    environment = bare_environment(PROGRAMS, folder) | ME
    run(f"git clone --quiet --no-checkout {shlex.quote(str(TEMPLATE))} here", folder, environment)
    git = f"git --git-dir={folder}/here/.git --work-tree=."
    run(f"{git} add --all && {git} commit --quiet --allow-empty -m New", TEMPLATE, environment)
    return folder / "here"


@pytest.fixture(scope="module")
def updated(project, commit, template, tmp_path_factory) -> Updated:
    """A project of the older version, edited, committed and updated."""
    home = tmp_path_factory.mktemp("update")
    # Without the user's configuration of git and Cookiecutter.
    environment = bare_environment(PROGRAMS, home) | ME
    answers = shlex.quote(json.dumps(project.answers))
    options = f"--checkout {commit} --no-input --extra-context {answers}"
    run(f"cruft create {template} {options}", home, environment)
    folder = home / project.folder.name
    run("git init --quiet && git add --all && git commit --quiet -m Start", folder, environment)
    edit(folder, project.answers["platform"])
    run("git add --all && git commit --quiet -m 'Take notes'", folder, environment)
    before = shutil.copytree(folder, home / "before" / folder.name)
    run("cruft update --skip-apply-ask", folder, environment)
    return Updated(before, folder, environment)


@for_two
def test_an_update_brings_all_that_is_new_and_keeps_the_user_s_edits(updated, project, tmp_path):
    assert updated.run("git diff --name-only --diff-filter=U") == ""
    expected = shutil.copytree(project.folder, tmp_path / "expected")
    edit(expected, project.answers["platform"])
    found, wanted = files_in(updated.folder), files_in(expected)
    assert found.keys() == wanted.keys()
    for name, text in wanted.items():
        assert found[name] == text, name
    assert "up to date" in updated.run("cruft check")
    # cruft has staged what is new, so README.md's `git commit --all` takes all of it.
    assert "??" not in updated.run("git status --short")


@for_combinations(by_name("heroku-wsgi-waitress"))
def test_a_project_of_plain_cookiecutter_is_linked_and_updated(project, commit, template, tmp_path):
    environment = bare_environment(PROGRAMS, tmp_path) | ME
    answers = " ".join(f"{name}={value}" for name, value in project.answers.items())
    # By this address it is cloned, so that an older version can be had.
    run(
        f"cookiecutter --no-input --checkout {commit} git+file://{template} {answers}",
        tmp_path,
        environment,
    )
    folder = tmp_path / project.folder.name
    answers = shlex.quote(json.dumps(project.answers))
    linked = f"cruft link {template} --checkout {commit} --no-input --extra-context {answers}"
    run(f"{linked} && git init --quiet && git add --all", folder, environment)
    run("git commit --quiet -m Start && cruft update --skip-apply-ask", folder, environment)
    assert files_in(folder) == files_in(project.folder)


# For one version only: the first test above shows that every version is updated to the same files.
@for_two
@pytest.mark.parametrize("commit", VERSIONS[:1], indirect=True, ids=lambda version: version[0])
def test_the_updated_project_passes_its_own_tests_and_checks(updated, project):
    programs = project.environment("requirements-dev.txt")
    environment = bare_environment(programs, updated.folder)
    assert " passed" in run("make test", updated.folder, environment)
    run("make check", updated.folder, environment)


@for_two
def test_the_update_goes_live_on_the_database_that_there_was(updated, project, services, tmp_path):
    platform = PLATFORMS[project.answers["platform"]]
    database = f"updated_{project.database}"
    services.postgres.create_database(database)
    old = Deployment.make(platform(updated.before), services, database)
    with old.site() as site, site.visitor() as ada:
        assert ada.sign_up("ada").status_code == 302
        cookies = ada.cookies
    folder = shutil.copytree(updated.folder, tmp_path / updated.folder.name)
    if SESSION_COOKIE not in cookies:
        with (folder / "config/settings.py").open("a") as settings:
            settings.write(KEEP_SESSIONS)
    new = Deployment.make(platform(folder), services, database)
    same = {"SECRET_KEY": old.environment["SECRET_KEY"]}  # which signs sessions
    with new.site(**same) as site, site.visitor() as ada, site.visitor() as elsewhere:
        ada.cookies.update(cookies)
        assert "You are logged in." in ada.get("/").text
        assert "ada@example.com" in ada.get("/accounts/email/").text
        assert "<h1>Notes</h1>" in ada.get("/notes/").text
        assert ada.get_with_retries("/readyz").json()["database"] == "ok"
        assert elsewhere.log_in("ada").status_code == 302
        assert "You are logged in." in elsewhere.get("/").text


def test_no_migration_of_a_version_that_is_out_was_changed(commit):
    """Databases have run them: add a new one instead. Only ``squawk_ignore`` may change."""
    asked = (
        f"git diff --diff-filter=MDR --ignore-matching-lines=squawk_ignore {commit}"
        " -- '{{*}}/*/migrations/*.py'"
    )
    assert run(asked, TEMPLATE, dict(os.environ)) == ""
