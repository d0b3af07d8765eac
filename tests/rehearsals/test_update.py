"""``cruft update`` brings a project of an older version to this one, and keeps its owner's edits.

What CHANGELOG.md has to be done by hand, the tests read there and do.
"""

import hmac
import json
import re
import shlex
import shutil
import subprocess
import textwrap
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from rehearse.platforms import PLATFORMS
from rehearse.processes import CommandFailed, developer_environment, run
from tests.harness.checkouts import Checkout, contributor
from tests.harness.combinations import (
    PACKAGE,
    PROJECT,
    TEMPLATE,
    by_name,
    for_combinations,
    parameters,
)
from tests.harness.deployment import Deployment
from tests.harness.recipes import follow
from tests.harness.site import SESSION_COOKIE, Site, Visitor
from tests.harness.sockets import open_socket, receive_until
from tests.harness.waiting import wait_until
from tests.rehearsals.owners_edits import MACHINERY, OLDEST_CHAT, ROUTING, edit

# The commits of the changelog's headings, ``## v0.1.0 (d118359)``, as a clone need not have the tags.
CHANGELOG = (TEMPLATE / "CHANGELOG.md").read_text()
COMMITS = dict(re.findall(r"^## (v[\d.]+) \((\w+)\)$", CHANGELOG, re.MULTILINE))
NEWEST, *_, OLDEST = COMMITS
# What it says of versions before v0.4, to be done by hand: a version to go by, undone edits, a line.
BETWEEN = "v0.3.0"
NEW = CHANGELOG.partition(f"\n## {BETWEEN}")[0]
[UNDO] = re.findall(r"^  ```sh\n(  cruft diff .+?)  ```\n", NEW, re.MULTILINE | re.DOTALL)
[START_AGAIN] = re.findall(r"`(git reset [^`]+)`", NEW)
[TAKE_BACK] = re.findall(r"`(git checkout HEAD[^`]+)`", NEW)
[UVICORN] = re.findall(r"--variables-to-update '(.+uvicorn.+)'`", CHANGELOG)
PROJECTS = by_name("heroku-asgi-daphne", "digitalocean-wsgi-gunicorn")
# What keeps older sessions valid: settings, and a backend.
SETTINGS = re.compile(r"^  ((?:SESSION_|AUTHENTICATION_).+\n)", re.MULTILINE)
BACKEND = re.compile(r"`(users/throttle\.py)`:\n\n  ```python\n(.+?)  ```\n", re.DOTALL)

# The one migration of users, for those of v0.1 to v0.3.
USERS = (PROJECT / "users/migrations/0001_user.py").read_text()
REPLACED = re.findall(r"\('(\w+)', '(0\w+)'\)", USERS.partition("replaces")[2].partition("]")[0])
# Apps that are in the package now.
MOVED = {"paas": PACKAGE / "src/paas/worker", "presence": PACKAGE / "src/paas/presence"}

SHALLOW = ["git", "rev-parse", "--is-shallow-repository"]
pytestmark = pytest.mark.skipif(
    subprocess.run(SHALLOW, cwd=TEMPLATE, check=False, capture_output=True).stdout != b"false\n",
    reason="Older versions are not in this clone: type `git fetch --unshallow`.",
)


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
    """A project of the older version, edited, committed and updated, as the changelog says.

    ``../before`` has a copy of it as it was, and ``../between`` one of the version to go by.
    """
    version = request.param
    create = f"cruft create {template} --checkout {COMMITS[version]} {{options}}"
    user = start(tmp_path_factory.mktemp("update"), create, project)
    edit(user, version)
    user.run("git add --all\ngit commit --quiet -m 'Write a blog'\ncp -r . ../before")
    if is_before(version, BETWEEN):
        user.run(f"cruft update --skip-apply-ask --checkout {COMMITS[BETWEEN]}")
        user.run("git commit --quiet --all -m 'Update to v0.3.0'\ncp -r . ../between")
    if goes := [name for name in (MACHINERY, ROUTING) if name in user.run("cruft diff")]:
        user.run(textwrap.dedent(UNDO))
        assert user.run("git show --pretty= --name-only").split() == goes
    user.run("cruft update --skip-apply-ask")
    return user


def is_before(version: str, other: str) -> bool:
    return list(COMMITS).index(version) > list(COMMITS).index(other)


@for_combinations(PROJECTS, apart="update")
def test_an_update_brings_all_that_is_new_and_keeps_the_user_s_edits(
    updated, project, request, tmp_path
):
    assert updated.run("git diff --name-only --diff-filter=U") == ""
    expected = Checkout(project.checkout(tmp_path.name), {})
    edit(expected, request.node.callspec.params["updated"])
    assert_same(updated, expected.folder)
    assert "up to date" in updated.run("cruft check")
    # cruft has staged what is new, so README.md's `git commit --all` takes all of it.
    assert "??" not in updated.run("git status --short")


def keep_sessions(owner: Checkout, changelog: str) -> None:
    """Do what this part of the changelog says."""
    owner.append("config/settings.py", "".join(SETTINGS.findall(changelog)))
    [(name, source)] = BACKEND.findall(changelog)
    owner.write(name, textwrap.dedent(source))


def add_chat(owner: Checkout) -> None:
    """Add the URL of the chat where the changelog says."""
    follow(owner, re.sub(r"^ +", "", NEW, flags=re.MULTILINE))


def assert_webhook_answers(site: Site, secret_key: str) -> None:
    with site.visitor() as sender:
        signature = hmac.new(secret_key.encode(), b"{}", "sha256").hexdigest()
        send = partial(sender.post, "/webhook/", content=b"{}")
        assert send(headers={"X-Signature": signature}).status_code == 204
        assert send(headers={"X-Signature": "wrong"}).status_code == 403


def assert_chat_answers(site: Site, visitor: Visitor) -> None:
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    chat = open_socket(site, path="/ws/chat/", headers={"Cookie": cookies})
    chat.send('"Hello!"')
    assert receive_until(chat, lambda message: message["type"] == "line")["text"] == "Hello!"
    chat.close()


WRITE_ENTRY = """
from blog.models import Entry
from users.models import User
Entry.objects.create(title="Buy milk", author=User.objects.get(username="ada"))
"""
# Tables and sessions do not depend on the platform or the server: so each version with one of them.
DAPHNE, GUNICORN = PROJECTS
LIVE = [
    pytest.param(*each.values, version, marks=each.marks, id=f"{each.id}-{version}")
    for version, answers in ((OLDEST, DAPHNE), ("v0.2.0", GUNICORN), (BETWEEN, DAPHNE))
    for each in parameters([answers], "update")
]


@pytest.mark.parametrize(("project", "updated"), LIVE, indirect=True)
def test_the_update_goes_live_on_the_database_that_there_was(
    updated, project, services, empty_database, tmp_path
):
    platform, database = PLATFORMS[project.answers["platform"]], tmp_path.name
    before, between = (updated.folder.parent / name for name in ("before", "between"))
    has_chat = (before / "chat").exists()
    old = Deployment.make(platform(before), services, database)
    key = old.environment["SECRET_KEY"]  # which signs sessions
    with old.site() as site, site.visitor() as ada:
        assert ada.sign_up("ada").status_code == 302
        cookies = ada.cookies
        old.run_script(WRITE_ENTRY)
        assert_webhook_answers(site, key)
        if has_chat:
            assert_chat_answers(site, ada)
    if between.exists():
        Deployment.make(platform(between), services, database)
    owner = Checkout(shutil.copytree(updated.folder, tmp_path / updated.folder.name), {})
    keep_sessions(owner, NEW if SESSION_COOKIE in cookies else CHANGELOG)
    if has_chat:
        add_chat(owner)
    new = Deployment.make(platform(owner.folder), services, database)
    with new.site(SECRET_KEY=key) as site, site.visitor() as ada, site.visitor() as elsewhere:
        ada.cookies.update(cookies)
        assert "You are logged in." in ada.get("/").text
        assert "ada@example.com" in ada.get("/accounts/email/").text
        assert "<h1>Buy milk</h1>ada" in elsewhere.get("/blog/").text
        assert_webhook_answers(site, key)
        if has_chat:
            assert_chat_answers(site, ada)
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


# Keep "the template's lines, and yours".
DEPENDENCY = '    "markdown>=3",\n'
CONFLICT = re.compile(
    rf"<<<<<<<.+\n(?: .+\n)+{re.escape(DEPENDENCY)}=======\n((?: .+\n)+)>>>>>>>.+\n"
)


@for_combinations(PROJECTS[:1], apart="update")
def test_files_that_go_are_undone_before_and_templates_come_back(project, template, tmp_path):
    """Otherwise cruft leaves ``.rej`` files. A dependency is the only conflict."""
    create = f"cruft create {template} --checkout {COMMITS[BETWEEN]} {{options}}"
    user = start(tmp_path, create, project)
    edit(user, BETWEEN)
    user.replace("templates/account/login.html", "<h1>Log in", "<h1>Come in")
    user.replace("templates/users/account.html", "<h1>Account", "<h1>My account")
    user.replace("pyproject.toml", "is subclassed\n]\n", f"is subclassed\n{DEPENDENCY}]\n")
    user.run("git add --all\ngit commit --quiet -m Edit")
    printed = user.run("cruft update --skip-apply-ask")
    assert f"{MACHINERY}: patch does not apply" in printed
    assert "config/settings.py.rej" in user.run("git status --short")
    user.run(START_AGAIN)
    assert user.run("git status --short") == ""

    user.run(textwrap.dedent(UNDO))
    user.run("cruft update --skip-apply-ask")
    assert user.run("git diff --name-only --diff-filter=U").split() == ["pyproject.toml"]
    user.write("pyproject.toml", CONFLICT.sub(rf"\1{DEPENDENCY}", user.read("pyproject.toml")))
    own = project.checkout(tmp_path.name) / "pyproject.toml"
    assert user.read("pyproject.toml").replace(DEPENDENCY, "", 1) == own.read_text()
    user.run("git commit --quiet --all -m Update")
    user.run(TAKE_BACK)
    folder = user.folder / "templates"
    found = {str(path.relative_to(folder)) for path in folder.glob("*/*.html")}
    assert found == {
        *("account/login.html", "blog/entry_list.html"),
        *("pages/home.html", "pages/next_steps.html", "presence/presence.html"),
    }
    assert "<h1>Come in" in user.read("templates/account/login.html")
    # The machinery's file comes back too, by mistake.
    user.run(TAKE_BACK.replace("templates/account/login.html", MACHINERY))
    programs = project.environment("requirements-dev.txt")
    developer = Checkout(user.folder, developer_environment(programs, user.folder))
    check = "cp .env.example .env\npython manage.py check"
    with pytest.raises(CommandFailed, match=rf"\(paas\.E014\) .+ {re.escape(MACHINERY)}\."):
        developer.run(check)
    user.run(f"rm {MACHINERY}")
    assert "no issues" in developer.run(check)


# The first test shows that an updated project has these files.
@for_combinations(PROJECTS[:1], apart="update")
def test_the_updated_project_passes_its_own_tests_and_checks(developer):
    edit(developer, BETWEEN)
    developer.write("chat/oldest.py", OLDEST_CHAT)
    add_chat(developer)
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
        newest = TEMPLATE / path
        if not newest.exists():
            newest = MOVED[app] / f"migrations/{name}.py"
        assert without_squawk(newest.read_text()) == without_squawk(source)


def without_squawk(source: str) -> str:
    return re.sub(r".*squawk_ignore.*\n", "", source)
