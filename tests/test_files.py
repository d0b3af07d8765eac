"""Every combination writes just the files it should, each of them sound."""

import ast
import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from ruff import find_ruff_bin

ALWAYS = """
    .editorconfig .env.example .github/workflows/ci.yml .gitignore .python-version Makefile
    README.md config/__init__.py config/apps.py config/checks.py config/health.py
    config/settings.py config/urls.py manage.py pages/__init__.py pages/context_processors.py
    pages/urls.py pyproject.toml requirements-dev.txt requirements.txt runtime.txt
    static/favicon.svg static/site.css templates/404.html templates/500.html templates/base.html
    templates/pages/home.html templates/users/form.html tests/__init__.py tests/conftest.py
    tests/test_pages.py tests/test_production.py tests/test_users.py users/__init__.py
    users/admin.py users/forms.py users/migrations/0001_initial.py users/migrations/__init__.py
    users/models.py users/urls.py users/views.py
"""
ASGI = """
    config/asgi.py config/guard.py config/redis.py config/static.py config/websockets.py
    presence/__init__.py presence/apps.py presence/consumers.py presence/migrations/0001_initial.py
    presence/migrations/__init__.py presence/models.py presence/people.py presence/pulse.py
    presence/routing.py presence/signals.py presence/tickets.py presence/urls.py presence/views.py
    static/presence.css static/presence.js templates/presence/presence.html tests/test_asgi.py
    tests/test_presence.py
"""
GUNICORN = "gunicorn.conf.py"
WSGI = "config/wsgi.py"
ONLY_WITH = {
    "heroku": "Procfile app.json",
    "digitalocean": ".do/app.yaml",
    "asgi-daphne": ASGI,
    "asgi-gunicorn": f"{ASGI} {GUNICORN}",
    "wsgi-gunicorn": f"{WSGI} {GUNICORN}",
    "wsgi-waitress": WSGI,
}


def files_of(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_it_has_just_the_files_it_should(project):
    expected = f"{ALWAYS} {' '.join(ONLY_WITH[answer] for answer in project.answers.values())}"
    found = {path.relative_to(project.folder).as_posix() for path in files_of(project.folder)}
    assert found == set(expected.split())


def test_every_file_ends_in_one_newline_and_no_line_in_a_space(project):
    for path in files_of(project.folder):
        text = path.read_text()
        assert not text or re.search(r"[^\n]\n\Z", text), path
        assert not re.search(r"[ \t]$", text, re.MULTILINE), path
        assert "\n\n\n\n" not in text, path
        assert path.suffix == ".py" or "\n\n\n" not in text, path


def test_no_mark_of_the_template_is_left(project):
    for path in files_of(project.folder):
        text = path.read_text().lower()
        assert "cookiecutter." not in text, path
        assert "<%" not in text, path
        if path.suffix != ".html" and ".github" not in path.parts:
            assert "{{" not in text, path


def test_every_file_parses(project):
    parsers = {
        ".py": ast.parse,
        ".toml": tomllib.loads,
        ".json": json.loads,
        ".yaml": yaml.safe_load,
        ".yml": yaml.safe_load,
    }
    for path in files_of(project.folder):
        parsers.get(path.suffix, str)(path.read_text())


@pytest.mark.parametrize("command", ["check", "format --check --diff"])
def test_ruff_is_content(project, command):
    ruff(command, project.folder)


def ruff(command: str, folder: Path) -> None:
    words = [find_ruff_bin(), *command.split(), "--no-cache", "."]
    done = subprocess.run(words, cwd=folder, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_python_versions_agree(project):
    assert (project.folder / "runtime.txt").read_text() == "python-3.13\n"
    assert (project.folder / ".python-version").read_text() == "3.13\n"


def test_there_is_one_file_for_one_package_manager(project):
    """Heroku's build ends with an error if it finds two of these."""
    rivals = ("requirements.txt", "Pipfile.lock", "poetry.lock", "uv.lock")
    assert [name for name in rivals if (project.folder / name).exists()] == ["requirements.txt"]


def test_every_requirement_is_pinned(project):
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = (project.folder / name).read_text().splitlines()
        for line in lines:
            assert re.match(r"# |-r requirements\.txt$|[\w.-]+==[\w.]+( ; .+)?$", line), line


def test_the_lock_holds_what_pyproject_asks_for(project):
    asked = tomllib.loads((project.folder / "pyproject.toml").read_text())
    locks = {
        "requirements.txt": asked["project"]["dependencies"],
        "requirements-dev.txt": asked["dependency-groups"]["dev"],
    }
    pinned = ""
    for lock, requirements in locks.items():
        pinned += (project.folder / lock).read_text()
        for requirement in requirements:
            name = re.match(r"[\w-]+", requirement)[0]
            assert f"\n{name}==" in pinned, f"{name} is not in {lock}: run scripts/lock.py"


def test_the_heroku_manifest_keeps_to_the_schema(project):
    if project.answers["platform"] != "heroku":
        return
    app = json.loads((project.folder / "app.json").read_text())
    assert set(app) <= {"name", "description", "env", "formation", "addons"}
    assert re.match(r"[a-z][a-z0-9-]{1,28}[a-z0-9]$", app["name"])
    for variable in app["env"].values():
        assert set(variable) <= {"description", "value", "generator", "required"}
        assert all(isinstance(value, str) for value in variable.values())
    addons = ["heroku-postgresql:essential-0"]
    addons += ["heroku-redis:mini"] if project.answers["server"].startswith("asgi") else []
    assert app["addons"] == addons
    lines = (project.folder / "Procfile").read_text().splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["release", "web"]


def test_the_app_spec_keeps_to_the_platform_s_rules(project):
    if project.answers["platform"] != "digitalocean":
        return
    spec = yaml.safe_load((project.folder / ".do/app.yaml").read_text())
    parts = {kind: spec[kind] for kind in ("services", "jobs", "databases")}
    names = [spec["name"], *(part["name"] for kind in parts.values() for part in kind)]
    for name in names:
        assert re.fullmatch(r"[a-z][a-z0-9-]{0,30}[a-z0-9]", name), name
    assert len(set(names)) == len(names)
    assert spec["ingress"]["rules"][0]["component"]["name"] == spec["services"][0]["name"]
    assert [job["kind"] for job in spec["jobs"]] == ["PRE_DEPLOY"]
    assert spec["services"][0]["http_port"] == 8080
    engines = ["PG"] + ["VALKEY"] * project.answers["server"].startswith("asgi")
    assert [database["engine"] for database in spec["databases"]] == engines
    bound = set(re.findall(r"\$\{(\w+)\.", (project.folder / ".do/app.yaml").read_text()))
    assert bound == {database["name"] for database in spec["databases"]}
    # Databases exist at run time only, and a value for the build would be stored in its image.
    variables = spec["envs"] + spec["services"][0].get("envs", [])
    assert {variable["scope"] for variable in variables} == {"RUN_TIME"}


def test_the_read_me_tells_of_its_own_platform_only(project):
    text = (project.folder / "README.md").read_text()
    assert len(text.splitlines()) < 100
    commands = {"heroku": "heroku create", "digitalocean": "doctl apps create"}
    for platform, command in commands.items():
        assert (command in text) == (platform == project.answers["platform"])
