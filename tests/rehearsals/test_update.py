"""``cruft update`` brings a project of an older version to this one, and keeps its user's edits."""

import filecmp
import json
import re
import shlex
import shutil
import subprocess
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from harness.assertions import PROJECT
from harness.checkouts import Checkout, contributor
from harness.combinations import TEMPLATE, by_name, for_combinations, parameters
from harness.deployment import Deployment
from harness.site import SESSION_COOKIE
from harness.waiting import wait_until
from rehearsal.platforms import PLATFORMS
from rehearsal.processes import CommandFailed, run

# The commits of the changelog's headings, ``## v0.1.0 (d118359)``, as a clone need not have the tags.
CHANGELOG = (TEMPLATE / "CHANGELOG.md").read_text()
COMMITS = dict(re.findall(r"^## (v[\d.]+) \((\w+)\)$", CHANGELOG, re.MULTILINE))
NEWEST, *_, OLDEST = COMMITS
[UVICORN] = re.findall(r"--variables-to-update '(.+uvicorn.+)'`", CHANGELOG)
PROJECTS = by_name("heroku-asgi-daphne", "digitalocean-wsgi-gunicorn")
# What keeps older sessions valid, from the changelog too: settings, and a backend.
NEW = CHANGELOG.partition("## v0.3.0")[0]
SETTINGS = re.compile(r"^  ((?:SESSION_|AUTHENTICATION_).+\n)", re.MULTILINE)
BACKEND = re.compile(r"`(users/throttle\.py)`:\n\n  ```python\n(.+?)  ```\n", re.DOTALL)

# The one migration of users, for those of v0.1 to v0.3.
USERS = (PROJECT / "users/migrations/0001_user.py").read_text()
REPLACED = re.findall(r"\('(\w+)', '(0\w+)'\)", USERS.partition("replaces")[2].partition("]")[0])
PACKAGE = TEMPLATE / "django-paas/src/paas"
# Apps that are in the package now.
MOVED = {"paas": PACKAGE / "worker", "presence": PACKAGE / "presence"}

SHALLOW = ["git", "rev-parse", "--is-shallow-repository"]
pytestmark = pytest.mark.skipif(
    subprocess.run(SHALLOW, cwd=TEMPLATE, check=False, capture_output=True).stdout != b"false\n",
    reason="Older versions are not in this clone: type `git fetch --unshallow`.",
)

# What the user makes of a new project: an app with a table and a page, and changes to our files.
NEW_FILES = {
    "notes/__init__.py": "",
    "notes/migrations/__init__.py": "",
    "notes/migrations/0001_initial.py": """\
from django.db import migrations, models

TEXT = models.CharField(max_length=100, primary_key=True, serialize=False)


class Migration(migrations.Migration):
    initial = True
    operations = [migrations.CreateModel("Note", [("text", TEXT)])]
""",
    "notes/models.py": """\
from django.db import models


class Note(models.Model):
    text = models.CharField(max_length=100, primary_key=True)

    def __str__(self):
        return self.text
""",
    "notes/urls.py": """\
from django.urls import path
from django.views.generic import ListView

from notes.models import Note

urlpatterns = [path("", ListView.as_view(model=Note), name="notes")]
""",
    "templates/notes/note_list.html": """\
{% extends "base.html" %}
{% block content %}{% for note in note_list %}<h1>{{ note }}</h1>{% endfor %}{% endblock %}
""",
}
PAGES = '    path("", include("pages.urls")),\n'
CHANGES = [
    ("config/settings.py", 'TIME_ZONE = "UTC"', 'TIME_ZONE = "Europe/Oslo"'),
    ("config/settings.py", '    "users",\n]', '    "users",\n    "notes",\n]'),
    ("config/urls.py", PAGES, f'    path("notes/", include("notes.urls")),\n{PAGES}'),
    ("templates/pages/home.html", "Your site is up and running.", "Write it down."),
    ("app.json", '"quantity": 1', '"quantity": 2'),
    (".do/app.yaml", 'version: "16"', 'version: "17"'),
]
# At the end of the file, as where a library's middleware wraps the application.
ASGI = """
django_application = application


async def application(scope, receive, send):  # type: ignore[no-redef]
    await django_application(scope, receive, send)
"""


def edit(project: Checkout) -> None:
    """Make the project the user's own."""
    for name, text in NEW_FILES.items():
        project.write(name, text)
    for name, old, new in CHANGES:
        if (project.folder / name).exists():
            project.replace(name, old, new)
    if (project.folder / "config/asgi.py").exists():
        project.append("config/asgi.py", ASGI)


def assert_same(made: Checkout, folder: Path) -> None:
    """Both have the same files, but for those of git and cruft."""
    assert made.run(f"diff --recursive --exclude .git --exclude .cruft.json . {folder}") == ""


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    """A repository with our history and, as its newest version, the working tree as it stands."""
    folder = tmp_path_factory.mktemp("template")
    environment = contributor(folder)
    run(f"git clone --quiet --no-checkout {shlex.quote(str(TEMPLATE))} here", folder, environment)
    git = f"git --git-dir={folder}/here/.git --work-tree=."
    run(f"{git} add --all && {git} commit --quiet --allow-empty -m New", TEMPLATE, environment)
    return folder / "here"


def start(home: Path, command: str, project) -> Checkout:
    """A project of an older version, which ``command`` bakes and links to the template with cruft."""
    environment, answers = contributor(home), shlex.quote(json.dumps(project.answers))
    run(command.format(options=f"--no-input --extra-context {answers}"), home, environment)
    made = Checkout(home / project.folder.name, environment)
    made.run("git init --quiet\ngit add --all\ngit commit --quiet -m Start")
    return made


@pytest.fixture(scope="module", params=COMMITS)
def updated(request, project, template, tmp_path_factory) -> Checkout:
    """A project of the older version, edited, committed and updated, by way of the newest release.

    ``../before`` has a copy of it as it was, and ``../between`` one of the newest release.
    """
    create = f"cruft create {template} --checkout {COMMITS[request.param]} {{options}}"
    user = start(tmp_path_factory.mktemp("update"), create, project)
    edit(user)
    user.run("git add --all\ngit commit --quiet -m 'Take notes'\ncp -r . ../before")
    if request.param != NEWEST:
        user.run(f"cruft update --skip-apply-ask --checkout {COMMITS[NEWEST]}")
        user.run("git commit --quiet --all -m 'Update to the newest release'")
    user.run("cp -r . ../between")
    user.run("cruft update --skip-apply-ask")
    return user


@for_combinations(PROJECTS, apart="update")
def test_an_update_brings_all_that_is_new_and_keeps_the_user_s_edits(updated, project, tmp_path):
    assert updated.run("git diff --name-only --diff-filter=U") == ""
    expected = Checkout(project.checkout(tmp_path.name), {})
    edit(expected)
    assert_same(updated, expected.folder)
    assert "up to date" in updated.run("cruft check")
    # cruft has staged what is new, so README.md's `git commit --all` takes all of it.
    assert "??" not in updated.run("git status --short")


def keep_sessions(owner: Checkout, changelog: str) -> None:
    """Do what this part of the changelog says."""
    owner.append("config/settings.py", "".join(SETTINGS.findall(changelog)))
    [(name, source)] = BACKEND.findall(changelog)
    owner.write(name, textwrap.dedent(source))


# Tables and sessions do not depend on the platform or the server: so each version with one of them.
LIVE = [
    pytest.param(*each.values, version, marks=each.marks, id=f"{each.id}-{version}")
    for each, version in zip(parameters(PROJECTS, "update"), (OLDEST, NEWEST), strict=True)
]


@pytest.mark.parametrize(("project", "updated"), LIVE, indirect=True)
def test_the_update_goes_live_on_the_database_that_there_was(
    updated, project, services, empty_database, tmp_path
):
    platform, database = PLATFORMS[project.answers["platform"]], tmp_path.name
    old = Deployment.make(platform(updated.folder.parent / "before"), services, database)
    with old.site() as site, site.visitor() as ada:
        assert ada.sign_up("ada").status_code == 302
        cookies = ada.cookies
    between = updated.folder.parent / "between"
    if not filecmp.cmp(between / ".cruft.json", updated.folder.parent / "before/.cruft.json"):
        Deployment.make(platform(between), services, database)
    folder = shutil.copytree(updated.folder, tmp_path / updated.folder.name)
    keep_sessions(Checkout(folder, {}), NEW if SESSION_COOKIE in cookies else CHANGELOG)
    new = Deployment.make(platform(folder), services, database)
    new.run_script("from notes.models import Note; Note.objects.create(text='Buy milk')")
    same = {"SECRET_KEY": old.environment["SECRET_KEY"]}  # which signs sessions
    with new.site(**same) as site, site.visitor() as ada, site.visitor() as elsewhere:
        ada.cookies.update(cookies)
        assert "You are logged in." in ada.get("/").text
        assert "ada@example.com" in ada.get("/accounts/email/").text
        assert "<h1>Buy milk</h1>" in ada.get("/notes/").text
        assert elsewhere.log_in("ada").status_code == 302
        assert "You are logged in." in elsewhere.get("/").text
        wait_until(lambda: elsewhere.get("/readyz").is_success, "readiness")


CONTRIBUTING = (TEMPLATE / "CONTRIBUTING.md").read_text()
RELEASE, PUBLISH = "## To release a version\n", "## To publish the template\n"


def commands_of(heading: str) -> str:
    """The block of commands below the heading in CONTRIBUTING.md."""
    section = CONTRIBUTING.partition(heading)[2]
    return textwrap.dedent(re.search(r"( *)```sh\n(.+?)```", section, re.DOTALL)[2])


@pytest.fixture
def published(template, tmp_path) -> Path:
    """The template, as CONTRIBUTING.md publishes it, on a GitHub that is a folder."""
    github = tmp_path / "github"
    owner = Checkout(tmp_path, contributor(tmp_path))
    owner.run(f"git clone --quiet {template} owners")
    owner.run(
        f"git init --quiet --bare --initial-branch main {github}/octocat/cookiecutter-django-paas.git"
    )
    owner = Checkout(tmp_path / "owners", owner.environment)
    owner.run("git remote remove origin")
    owner.run(f"git config url.{github}/.insteadOf git@github.com:")
    owner.run(commands_of(PUBLISH))
    assert "uvx cookiecutter gh:octocat/" in owner.read("README.md")
    assert owner.run("git status --short") == ""
    # The next release: here the newest one once more.
    owner.run(f"git tag --delete {NEWEST}")
    owner.run(commands_of(RELEASE).replace("VERSION=v0.4.0", f"VERSION={NEWEST}"))
    return github / "octocat/cookiecutter-django-paas.git"


@for_combinations(PROJECTS[:1], apart="update")
def test_a_project_of_plain_cookiecutter_is_linked_and_updated(project, published, tmp_path):
    template = published
    tags = run("git for-each-ref --format '%(refname:short) %(objectname)' refs/tags", template, {})
    assert {tag: commit[:7] for tag, commit in map(str.split, tags.splitlines())} == COMMITS
    # Cookiecutter clones only a URL, and --checkout needs a clone.
    options = f"--checkout {OLDEST}"
    assert "`cruft link TEMPLATE --checkout VERSION`" in (project.folder / "README.md").read_text()
    answers = " ".join(f"{name}={value}" for name, value in project.answers.items())
    bake = f"cookiecutter --no-input {options} git+file://{template} {answers}"
    link = f"cd {project.folder.name} && cruft link {template} {options} {{options}}"
    user = start(tmp_path, f"{bake} && {link}", project)
    user.run("cruft update --skip-apply-ask")
    assert_same(user, project.folder)


@for_combinations(by_name("heroku-asgi-uvicorn"), apart="update")
def test_a_project_of_asgi_gunicorn_becomes_one_of_asgi_uvicorn(project, template, tmp_path):
    """A plain update names the command that does it, and changes nothing."""
    create = f"cruft create {template} --checkout {COMMITS['v0.3.0']} {{options}}"
    old = replace(project, answers=project.answers | {"server": "asgi-gunicorn"})
    user = start(tmp_path, create, old)
    with pytest.raises(CommandFailed) as failure:
        user.run("cruft update --skip-apply-ask")
    assert str(failure.value).endswith(f"cruft update --variables-to-update '{UVICORN}'\n")
    assert user.run("git status --short") == ""
    user.run(f"cruft update --skip-apply-ask --variables-to-update {shlex.quote(UVICORN)}")
    assert_same(user, project.folder)


@for_combinations(PROJECTS[:1], apart="update")
def test_templates_that_the_owner_edited_stay_and_the_others_go(project, template, tmp_path):
    create = f"cruft create {template} --checkout {COMMITS[NEWEST]} {{options}}"
    user = start(tmp_path, create, project)
    user.replace("templates/account/login.html", "<h1>Log in", "<h1>Come in")
    user.replace("templates/users/account.html", "<h1>Account", "<h1>My account")
    user.run("git commit --quiet --all -m 'Edit pages'\ncruft update --skip-apply-ask")
    folder = user.folder / "templates"
    found = {str(path.relative_to(folder)) for path in folder.glob("*/*.html")}
    assert found == {
        *("account/login.html", "users/account.html"),
        *("pages/home.html", "pages/next_steps.html", "presence/presence.html"),
    }
    assert "<h1>Come in" in user.read("templates/account/login.html")
    assert "<h1>My account" in user.read("templates/users/account.html")


# The first test shows that an updated project has these files.
@for_combinations(PROJECTS[:1], apart="update")
def test_the_updated_project_passes_its_own_tests_and_checks(developer):
    edit(developer)
    assert " passed" in developer.run("make check test")


@pytest.mark.parametrize("version", COMMITS)
def test_each_migration_of_a_version_that_is_out_is_unchanged_or_replaced(version):
    """Databases have run them: add a new one instead. Only ``squawk_ignore`` may change."""
    git = ["git", "-C", str(TEMPLATE)]
    listed = subprocess.check_output(
        [*git, "ls-tree", "-r", "--name-only", COMMITS[version]], text=True
    )
    old = re.findall(r"^(.+/(\w+)/migrations/(0\w+)\.py)$", listed, re.MULTILINE)
    assert old
    for path, app, name in old:
        if (app, name) in REPLACED:
            continue
        source = subprocess.check_output([*git, "show", f"{COMMITS[version]}:{path}"], text=True)
        folder = MOVED.get(app, PROJECT / app)
        assert without_squawk((folder / f"migrations/{name}.py").read_text()) == without_squawk(
            source
        )


def without_squawk(source: str) -> str:
    return re.sub(r".*squawk_ignore.*\n", "", source)
