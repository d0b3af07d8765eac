"""Every combination writes just the files it should, each of them sound."""

import ast
import json
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from rehearsal import linting
from rehearsal.assertions import files_of, parse
from rehearsal.combinations import COMBINATIONS, for_combinations, needs_redis, words

pytestmark = for_combinations(COMBINATIONS)

ALWAYS = """
    .editorconfig .env.example .github/dependabot.yml .github/workflows/ci.yml .gitignore
    .pre-commit-config.yaml .python-version .squawk.toml Makefile README.md config/__init__.py
    config/preview.py config/settings.py config/urls.py conftest.py docs/configuration.md docs/operations.md
    docs/protections.md docs/scaling.md manage.py paas/__init__.py
    paas/app_template/__init__.py-tpl paas/app_template/admin.py-tpl
    paas/app_template/apps.py-tpl paas/app_template/migrations/__init__.py-tpl
    paas/app_template/models.py-tpl paas/app_template/urls.py-tpl
    paas/app_template/views.py-tpl paas/apps.py
    paas/checks.py paas/connections.py paas/database.py paas/database_url.py paas/headers.py paas/health.py paas/limits.py paas/logs.py
    paas/mail.py paas/mail_checks.py paas/tests/test_mail.py paas/variables.py
    paas/management/__init__.py paas/management/commands/__init__.py
    paas/management/commands/lintmigrations.py paas/management/commands/migrate.py
    paas/management/commands/startapp.py paas/middleware.py paas/proxy_headers.py paas/request_log.py paas/sentry.py
    paas/servers/__init__.py paas/sessions.py paas/startup.py paas/tests/__init__.py
    paas/tests/test_connections.py paas/tests/test_database_url.py paas/tests/test_secret_key.py
    paas/tests/test_timeouts.py
    paas/timeouts.py
    paas/tests/production.py paas/tests/server.py paas/tests/test_database.py
    paas/tests/test_headers.py paas/tests/test_logs.py paas/tests/test_production.py
    paas/tests/test_request_limits.py paas/tests/test_startup.py pages/__init__.py pages/context_processors.py
    pages/urls.py pages/views.py pyproject.toml requirements-dev.txt requirements.txt
    runtime.txt static/favicon.svg static/site.css templates/400.html
    templates/403.html templates/403_csrf.html templates/404.html templates/429.html
    templates/500.html templates/account/email/base_notification.txt
    templates/account/email/email_confirmation_message.txt templates/account/email_change.html
    templates/account/login.html templates/account/messages/logged_in.txt templates/account/messages/logged_out.txt
    templates/account/signup_closed.html templates/allauth/elements/alert.html
    templates/allauth/elements/badge.html templates/allauth/elements/button.html
    templates/allauth/elements/button_group.html templates/allauth/elements/field.html
    templates/allauth/elements/fields.html templates/allauth/elements/form.html
    templates/allauth/elements/img.html templates/allauth/elements/panel.html
    templates/allauth/elements/table.html templates/allauth/layouts/base.html
    templates/allauth/layouts/manage.html templates/base.html templates/pages/home.html templates/pages/next_steps.html
    templates/users/account.html templates/users/delete.html templates/users/username.html
    templates/users/email/invitation_message.txt templates/users/email/invitation_subject.txt
    tests/__init__.py tests/test_pages.py tests/test_throttle.py
    tests/test_users.py paas/presets.py users/__init__.py users/adapter.py users/admin.py users/apps.py
    users/forms.py users/hashers.py users/migrations/0003_email_addresses.py
    users/migrations/0004_limits.py users/sites.py
    users/migrations/0001_initial.py users/migrations/0002_username_in_any_case.py
    users/migrations/__init__.py users/models.py users/throttle.py users/urls.py users/views.py
"""
ASGI = """
    config/asgi.py paas/asgi/__init__.py paas/asgi/apps.py paas/asgi/channel_layer.py
    paas/asgi/checks.py paas/asgi/consumers.py paas/asgi/handler.py paas/asgi/heartbeat.py
    paas/asgi/request_body.py paas/asgi/sessions.py paas/asgi/shutdown.py
    paas/asgi/streaming.py paas/asgi/threads.py paas/asgi/tickets.py paas/asgi/websockets.py
    paas/management/commands/runserver.py paas/tests/sockets.py paas/tests/test_asgi.py
    paas/tests/test_consumers.py paas/tests/test_handler.py presence/__init__.py
    presence/apps.py presence/consumers.py presence/migrations/0001_initial.py
    presence/migrations/__init__.py presence/models.py presence/routing.py presence/services.py
    presence/signals.py presence/urls.py presence/views.py static/presence.css
    static/presence.js templates/presence/presence.html tests/test_presence.py
"""
CELERY = """
    config/celery.py paas/celery.py paas/lost_tasks.py paas/tasks.py
    paas/management/commands/run_task_again.py paas/migrations/0001_initial.py
    paas/migrations/0002_periodictask.py paas/migrations/__init__.py paas/models.py
    paas/periodic.py paas/task_log.py paas/tasks.py paas/tests/test_celery.py paas/tests/test_periodic.py
    paas/tests/test_lost_tasks.py paas/tests/test_tasks.py templates/welcome/body.txt
    templates/welcome/subject.txt tests/test_welcome.py welcome/__init__.py welcome/apps.py
    welcome/migrations/0001_initial.py welcome/migrations/__init__.py
    welcome/models.py welcome/signals.py welcome/tasks.py
"""
MEDIA = """
    paas/bucket.py paas/bucket_checks.py paas/media.py paas/tests/test_bucket.py
    pictures/__init__.py pictures/apps.py
    pictures/forms.py pictures/images.py pictures/migrations/0001_initial.py
    pictures/migrations/__init__.py pictures/models.py pictures/urls.py pictures/views.py
    static/pictures.css templates/pictures/picture.html tests/test_pictures.py
"""
REDIS = """
    paas/redis.py paas/redis_checks.py
    paas/tests/test_redis.py
"""
WSGI = "config/wsgi.py"
GUNICORN = "gunicorn.conf.py paas/servers/gunicorn.py"
DAPHNE = "paas/servers/daphne.py paas/servers/daphne_channel.py"
GUNICORN_ASGI = "paas/servers/gunicorn_asgi.py"
GUNICORN_WSGI = """
    paas/servers/gunicorn_wsgi.py paas/servers/request_buffer.py
    paas/servers/response_buffer.py paas/tests/test_wsgi_worker.py
"""
WAITRESS = """
    paas/servers/waitress.py paas/servers/waitress_channel.py
    paas/tests/test_waitress_channel.py
"""
ONLY_WITH = {
    "heroku": "Procfile app.json paas/heroku.py paas/tests/test_procfile.py",
    "digitalocean": ".do/app.yaml paas/digitalocean.py paas/tests/test_app_spec.py",
    "asgi-daphne": f"{ASGI} {REDIS} {DAPHNE}",
    "asgi-gunicorn": f"{ASGI} {REDIS} {GUNICORN} {GUNICORN_ASGI}",
    "wsgi-gunicorn": f"{WSGI} {GUNICORN} {GUNICORN_WSGI}",
    "wsgi-waitress": f"{WSGI} {WAITRESS}",
    "use_celery": f"{CELERY} {REDIS}",
    "use_s3_media": MEDIA,
}


def test_it_has_just_the_files_it_should(project):
    expected = f"{ALWAYS} {' '.join(ONLY_WITH.get(word, '') for word in words(project.answers))}"
    found = {path.relative_to(project.folder).as_posix() for path in files_of(project.folder)}
    assert found == set(expected.split()), "see ONLY_FOR of the hook, and ONLY_WITH"


def test_every_file_ends_in_one_newline_and_no_line_in_a_space(project):
    for path in files_of(project.folder):
        text = path.read_bytes().decode()
        assert "\r" not in text, path
        assert not text or re.search(r"[^\n]\n\Z", text), path
        assert not re.search(r"[ \t]$", text, re.MULTILINE), path
        assert "\n\n\n\n" not in text, path
        # A document may quote Python.
        prose = re.sub(r"^```python\n.+?^```$", "code", text, flags=re.MULTILINE | re.DOTALL)
        assert path.suffix in (".py", ".py-tpl") or "\n\n\n" not in prose, path


def test_no_mark_of_the_template_is_left(project):
    for path in files_of(project.folder):
        text = path.read_text().lower()
        assert "cookiecutter." not in text, path
        assert "<%" not in text, path
        # docs/protections.md shows a nonce in a template.
        text = text.replace('"{{ csp_nonce }}"', "")
        if not {"templates", ".github", "app_template"} & set(path.parts):
            assert "{{" not in text, path


def test_every_file_parses(project):
    for path in files_of(project.folder):
        parse(path)


@pytest.mark.parametrize("command", linting.COMMANDS)
def test_ruff_is_content(project, command):
    assert linting.complaints(command, project.folder) == ""


def test_every_requirement_is_pinned(project):
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = (project.folder / name).read_text().splitlines()
        for line in lines:
            assert re.match(r"# |[\w.-]+==[\w.]+( ; .+)?$", line), line


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
    addons += ["heroku-redis:mini"] if needs_redis(project.answers) else []
    assert app["addons"] == addons
    lines = (project.folder / "Procfile").read_text().splitlines()
    processes = ["web"] + ["worker"] * project.answers["use_celery"]
    assert [line.partition(": ")[0] for line in lines] == ["release", *processes]
    assert sorted(app["formation"]) == processes


def test_the_app_spec_keeps_to_the_platform_s_rules(project):
    if project.answers["platform"] != "digitalocean":
        return
    spec = yaml.safe_load((project.folder / ".do/app.yaml").read_text())
    kinds = ["services"] + ["workers"] * project.answers["use_celery"] + ["jobs", "databases"]
    assert [key for key in spec if isinstance(spec[key], list)] == ["envs", *kinds]
    parts = {kind: spec[kind] for kind in kinds}
    names = [spec["name"], *(part["name"] for kind in parts.values() for part in kind)]
    for name in names:
        assert re.fullmatch(r"[a-z][a-z0-9-]{0,30}[a-z0-9]", name), name
    assert len(set(names)) == len(names)
    assert spec["ingress"]["rules"][0]["component"]["name"] == spec["services"][0]["name"]
    assert [job["kind"] for job in spec["jobs"]] == ["PRE_DEPLOY"]
    assert spec["services"][0]["http_port"] == 8080
    engines = ["PG"] + ["VALKEY"] * needs_redis(project.answers)
    assert [database["engine"] for database in spec["databases"]] == engines
    bound = set(re.findall(r"\$\{(\w+)\.", (project.folder / ".do/app.yaml").read_text()))
    assert bound == {"_self", *(database["name"] for database in spec["databases"])}
    # Databases exist at run time only, and a value for the build would be stored in its image.
    variables = spec["envs"] + spec["services"][0].get("envs", [])
    assert {variable["scope"] for variable in variables} == {"RUN_TIME"}


def test_the_autoscaling_in_docs_keeps_to_the_platform_s_rules(project):
    """It takes the place of instance_count; its metrics are those of a service, not of a worker."""
    if project.answers["platform"] != "digitalocean":
        return
    text = (project.folder / "docs/scaling.md").read_text()
    autoscaling = yaml.safe_load(re.search(r"```yaml\n(.+?)```", text, re.DOTALL)[1])["autoscaling"]
    least, most, metrics = autoscaling.values()
    assert list(autoscaling) == ["min_instance_count", "max_instance_count", "metrics"]
    assert 1 < least < most
    assert metrics == {"requests_per_second": {"per_instance": 50}}


# The packages of imports that have another name.
PACKAGES = {
    "allauth": "django-allauth",
    "axes": "django-axes",
    "channels_redis": "channels-redis",
    "storages": "django-storages",
}


def subclassed(path: Path) -> set[str]:
    """The packages, of the standard library or not, whose classes the module subclasses."""
    tree = ast.parse(path.read_text())
    packages: dict[str, str | None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            packages |= {each.asname or each.name: node.module for each in node.names}
        elif isinstance(node, ast.Import):
            packages |= {each.asname or each.name: each.name for each in node.names}
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    bases = [ast.unparse(base).partition(".")[0] for node in classes for base in node.bases]
    return {(packages.get(base) or "").partition(".")[0] for base in bases}


def test_packages_that_are_subclassed_have_an_upper_bound(project):
    asked = tomllib.loads((project.folder / "pyproject.toml").read_text())
    requirements = asked["dependency-groups"]["dev"] + asked["project"]["dependencies"]
    bounds = {re.match(r"[\w-]+", line)[0]: line for line in requirements}
    modules = [path for path in project.folder.rglob("*.py") if path.parent.name != "tests"]
    found = set().union(*map(subclassed, modules)) - sys.stdlib_module_names
    own = {path.name for path in project.folder.iterdir() if path.is_dir()}
    names = {PACKAGES.get(package, package) for package in found - own if package}
    assert project.answers["server"].split("-")[1] in names
    assert [name for name in names if "<" not in bounds.get(name, "no such line")] == []


def test_dependabot_raises_no_bound_of_the_server(project):
    config = parse(project.folder / ".github/dependabot.yml")
    [pip] = [update for update in config["updates"] if update["package-ecosystem"] == "pip"]
    ignored = {rule["dependency-name"]: rule["update-types"] for rule in pip["ignore"]}
    server = project.answers["server"].split("-")[1]
    assert set(ignored) == {server} | ({"twisted"} if server == "daphne" else set())
    # Security updates are ignored as well where a rule has no update-types.
    for kinds in ignored.values():
        assert "version-update:semver-major" in kinds


def test_dependabot_raises_packages_and_actions_together_once_a_week(project):
    config = parse(project.folder / ".github/dependabot.yml")
    assert config["version"] == 2
    updates = {update["package-ecosystem"]: update for update in config["updates"]}
    assert set(updates) == {"pip", "github-actions"}
    for update in updates.values():
        assert (update["directory"], update["schedule"]) == ("/", {"interval": "weekly"})
        assert [group["patterns"] for group in update["groups"].values()] == [["*"]]


def test_the_readme_is_short_and_has_the_commands_of_its_own_platform_only(project):
    text = (project.folder / "README.md").read_text()
    options = project.answers["use_celery"] + project.answers["use_s3_media"]
    assert len(text.splitlines()) <= 105 + 10 * options
    text += (project.folder / "docs/configuration.md").read_text()
    commands = {
        "heroku": {"heroku create", "heroku logs", "heroku domains:add"},
        "digitalocean": {"doctl apps create", "doctl apps logs", "doctl apps spec"},
    }
    for platform, own in commands.items():
        found = {command for command in own if command in text}
        assert found == (own if platform == project.answers["platform"] else set())


def test_every_variable_that_the_settings_read_is_documented(project):
    settings = (project.folder / "config/settings.py").read_text()
    read = set(re.findall(r'env\.\w+\(\s*"(\w+)"', settings))
    database_url = (project.folder / "paas/database_url.py").read_text()
    read |= set(re.findall(r'"(DATABASE_\w+)"', database_url))
    documented = (project.folder / "docs/configuration.md").read_text()
    assert "SECRET_KEY" in read
    rows = "".join(re.findall(r"^\|(.+?)\|", documented, re.MULTILINE))
    assert set(re.findall(r"`([A-Z_0-9]+)`", rows)) == read


def test_every_file_that_the_readme_names_exists(project):
    for name in ("README.md", "docs/configuration.md", "docs/scaling.md"):
        text = (project.folder / name).read_text()
        paths = re.findall(r"`((?:\w+/)+\w*(?:\.\w+)?)`", text)
        links = re.findall(r"\]\(([\w./]+)", text.replace("](http", ""))
        missing = [path for path in paths if not (project.folder / path).exists()]
        assert [path for path in missing if path not in ("admin/", "media/")] == []
        assert [
            link for link in links if not (project.folder / name).parent.joinpath(link).exists()
        ] == []
