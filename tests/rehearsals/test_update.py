"""``cruft update`` brings a project to a newer template, and keeps its owner's edits and data."""

import json
import shlex
import shutil

import pytest

from rehearse.platforms import PLATFORMS
from rehearse.processes import run
from tests.harness.checkouts import Checkout, contributor
from tests.harness.combinations import TEMPLATE, by_name, for_combinations
from tests.harness.deployment import Deployment

# Versions to update from: "now" is the working tree as it stands. Add the tag of each one that is
# out, such as "1.0.0"; in our workflows, `fetch-depth: 0` then brings the tags.
VERSIONS = ["now"]
PROJECT = "{{cookiecutter.project_slug}}"
PAAS = "vendor/django-paas/src/paas"
EDITED, NEW, GONE = f"{PAAS}/site/health.py", f"{PAAS}/new.py", "vendor/django-paas/CHANGELOG.md"
OURS, THEIRS = "# By the owner.\n", "# Of the newer template.\n"
COMMIT = "git add --all\ngit commit --quiet --message Commit"
# The owner's app.
BLOG = {
    "blog/__init__.py": "",
    "blog/migrations/__init__.py": "",
    "blog/migrations/0001_initial.py": """\
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations = [
        migrations.CreateModel(
            "Entry",
            [
                ("title", models.CharField(max_length=100, primary_key=True, serialize=False)),
                ("author", models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)),
            ],
        )
    ]
""",
    "blog/models.py": """\
from django.conf import settings
from django.db import models


class Entry(models.Model):
    title = models.CharField(max_length=100, primary_key=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
""",
    "blog/views.py": """\
from django.http import HttpResponse

from blog.models import Entry


def entries(request):
    return HttpResponse([f"{entry.title}, by {entry.author}" for entry in Entry.objects.all()])
""",
}
WRITE_ENTRY = """
from blog.models import Entry
from users.models import User
Entry.objects.create(title="Buy milk", author=User.objects.get(username="ada"))
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Checkout:
    """A repository with our history, the tag "now", and a newer commit."""
    home = tmp_path_factory.mktemp("template")
    environment = contributor(home)
    run(f"git clone --quiet --no-checkout {shlex.quote(str(TEMPLATE))} here", home, environment)
    git = f"git --git-dir={home}/here/.git --work-tree=."
    commit = f"{git} add --all && {git} commit --quiet --allow-empty --message Now && {git} tag now"
    run(commit, TEMPLATE, environment)
    template = Checkout(home / "here", environment)
    template.run("git reset --quiet --hard")
    for name in ("config/settings.py", EDITED):
        template.write(f"{PROJECT}/{name}", f"{THEIRS}{template.read(f'{PROJECT}/{name}')}")
    template.write(f"{PROJECT}/{NEW}", THEIRS)
    template.run(f"git rm --quiet '{PROJECT}/{GONE}'\n{COMMIT}")
    return template


@pytest.fixture(scope="module", params=VERSIONS)
def updated(request, project, template, tmp_path_factory) -> Checkout:
    """A project of that version, edited by its owner and updated; ``../before`` has it as it was."""
    home = tmp_path_factory.mktemp("update")
    answers = shlex.quote(json.dumps(project.answers))
    options = f"--checkout {request.param} --no-input --extra-context {answers}"
    Checkout(home, template.environment).run(f"cruft create {template.folder} {options}")
    owner = Checkout(home / project.folder.name, template.environment)
    owner.run(f"git init --quiet\n{COMMIT}")
    for name, text in BLOG.items():
        owner.write(name, text)
    owner.replace("config/settings.py", 'TIME_ZONE = "UTC"', 'TIME_ZONE = "Europe/Oslo"')
    owner.replace("config/settings.py", '    "users",\n', '    "users",\n    "blog",\n')
    first = "URLResolver] = [\n"
    owner.replace("config/urls.py", first, f'{first}    path("blog/", entries),\n')
    urls = owner.read("config/urls.py")
    owner.write("config/urls.py", f"from blog.views import entries\n{urls}")
    owner.append(EDITED, OURS)
    owner.run(f"{COMMIT}\ncp -r . ../before\ncruft update --skip-apply-ask")
    return owner


default = for_combinations(by_name("heroku-asgi-uvicorn"), apart="update")


@default
def test_an_update_brings_what_is_new_and_keeps_the_owner_s_edits(updated):
    before = Checkout(updated.folder.parent / "before", {})
    assert "up to date" in updated.run("cruft check")
    assert updated.run("git diff --name-only --diff-filter=U") == ""
    # README.md's `git commit --all` takes all of it.
    assert "??" not in updated.run("git status --short")
    assert list(updated.folder.rglob("*.rej")) == []
    for name in ("config/settings.py", EDITED):
        assert updated.read(name) == f"{THEIRS}{before.read(name)}"
    assert updated.read(EDITED).endswith(OURS)
    assert updated.read(NEW) == THEIRS
    assert not (updated.folder / GONE).exists()
    assert updated.read("config/urls.py") == before.read("config/urls.py")
    assert {name: updated.read(name) for name in BLOG} == BLOG


@default
def test_the_update_goes_live_on_the_database_that_there_was(
    updated, project, services, empty_database, tmp_path
):
    platform, database = PLATFORMS[project.answers["platform"]], tmp_path.name
    old = Deployment.make(platform(updated.folder.parent / "before"), services, database)
    with old.site() as site, site.visitor() as ada:
        assert ada.sign_up("ada").status_code == 302
        old.run_script(WRITE_ENTRY)
    folder = shutil.copytree(updated.folder, tmp_path / updated.folder.name)
    new = Deployment.make(platform(folder), services, database)
    key = old.environment["SECRET_KEY"]  # which signs sessions
    with new.site(SECRET_KEY=key) as site, site.visitor() as visitor:
        visitor.cookies.update(ada.cookies)
        assert "Welcome, ada." in visitor.get("/").text
        assert visitor.get("/blog/").text == "Buy milk, by ada"


@for_combinations(by_name("digitalocean-wsgi-gunicorn"), apart="update")
def test_a_project_of_plain_cookiecutter_is_linked_and_updated(project, template, tmp_path):
    """As the project's README says; the version is the one in its pyproject.toml."""
    home = Checkout(tmp_path, template.environment)
    home.run(f"cp -r {project.folder} made")
    owner = Checkout(tmp_path / "made", template.environment)
    answers = shlex.quote(json.dumps(project.answers))
    owner.run(f"cruft link {template.folder} --checkout now --no-input --extra-context {answers}")
    owner.run(f"git init --quiet\n{COMMIT}\ncruft update --skip-apply-ask")
    words = " ".join(f"{name}={value}" for name, value in project.answers.items())
    home.run(f"cookiecutter --no-input -o new {template.folder} {words}")
    expected = tmp_path / "new" / project.folder.name
    assert owner.read(NEW) == THEIRS
    assert owner.run(f"diff -r -x .git -x .cruft.json . {expected}") == ""
