"""Every combination has exactly the expected files, each of them valid."""

import re
from pathlib import Path

import yaml

from tests.harness.assertions import assert_valid_files, files_of, own_files_of, parse, tracked
from tests.harness.combinations import (
    COMBINATIONS,
    PACKAGE,
    PROJECT,
    for_combinations,
    given,
    has_processes,
    is_asgi,
    needs_redis,
)

# For each answer that adds files: their names, by folder.
TABLE = yaml.safe_load(Path(__file__).with_name("files.yaml").read_text())
ONLY_WITH = {
    answer: {Path(folder, name) for folder, names in table.items() for name in names.split()}
    for answer, table in TABLE.items()
}
pytestmark = for_combinations(COMBINATIONS)
COMMANDS = {
    "heroku": {"heroku create", "heroku logs", "heroku domains:add"},
    "digitalocean": {"doctl apps create", "doctl apps logs", "doctl apps spec"},
}


def test_it_has_the_expected_files_and_no_others(project):
    files = {path.relative_to(PROJECT) for path in tracked(PROJECT.name)}
    always = files.difference(*ONLY_WITH.values())
    assert {Path("manage.py"), Path("README.md"), Path("config/settings.py")} < always < files
    wanted = (ONLY_WITH.get(answer, set()) for answer in given(project.answers))
    found = {path.relative_to(project.folder) for path in files_of(project.folder)}
    assert found == always.union(*wanted), "compare the hook's ONLY_FOR with files.yaml"


def test_every_file_parses_and_ruff_finds_nothing(project):
    assert_valid_files(project.folder)


def test_every_file_ends_in_one_newline_and_no_line_in_a_space(project):
    for path in files_of(project.folder):
        text = path.read_bytes().decode()
        assert "\r" not in text, path
        assert not text or re.search(r"[^\n]\n\Z", text), path
        assert not re.search(r"[ \t]$", text, re.MULTILINE), path
        assert "\n\n\n\n" not in text, path
        # Two blank lines are right in a document's Python code.
        prose = re.sub(r"^ *```python\n.+?^ *```$", "code", text, flags=re.MULTILINE | re.DOTALL)
        assert path.suffix in (".py", ".py-tpl") or "\n\n\n" not in prose, path


def test_no_mark_of_the_template_is_left(project):
    for path in own_files_of(project.folder):
        text = path.read_text().lower()
        assert "cookiecutter." not in text, path
        assert "<%" not in text, path
        if not {"templates", ".github", "app_template"} & set(path.parts):
            assert "{{" not in text, path


def test_every_requirement_is_pinned_and_the_lock_holds_what_pyproject_asks_for(project):
    asked = parse(project.folder / "pyproject.toml")
    pinned = ""
    for lock, requirements in {
        "requirements.txt": asked["project"]["dependencies"],
        "requirements-dev.txt": asked["dependency-groups"]["dev"],
    }.items():
        pinned += (project.folder / lock).read_text()
        for requirement in requirements:
            name = re.match(r"[\w-]+", requirement)[0]
            found = re.search(rf"^{name}==|^\./vendor/{name}$", pinned, re.MULTILINE)
            assert found, f"{name} is not in {lock}: run scripts/lock.py"
    for line in pinned.splitlines():
        assert re.match(
            r"# |[\w.-]+==[\w.]+( ; .+)?$|\./vendor/django-paas$|-r requirements.txt$", line
        ), line


def test_the_manifest_keeps_to_the_platform_s_rules(project):
    assert_manifest = {"heroku": assert_app_json, "digitalocean": assert_app_spec}
    assert_manifest[project.answers["platform"]](project)
    name = {"heroku": "Procfile", "digitalocean": ".do/app.yaml"}[project.answers["platform"]]
    # By default Daphne refuses a WebSocket whose handshake takes 5 seconds.
    is_daphne = project.answers["server"] == "asgi-daphne"
    assert is_daphne == ("--websocket_connect_timeout 30 " in (project.folder / name).read_text())


def assert_app_json(project) -> None:
    app = parse(project.folder / "app.json")
    assert set(app) <= {"name", "description", "env", "formation", "addons"}
    assert re.match(r"[a-z][a-z0-9-]{1,28}[a-z0-9]$", app["name"])
    for variable in app["env"].values():
        assert set(variable) <= {"description", "value", "generator", "required"}
        assert all(isinstance(value, str) for value in variable.values())
    assert app["env"]["SECRET_KEY"]["generator"] == "secret"
    assert app["env"]["ALLOWED_HOSTS"]["value"] == ".herokuapp.com"  # until there is a domain
    redis = ["heroku-redis:mini"] * needs_redis(project.answers)
    assert app["addons"] == ["heroku-postgresql:essential-0", *redis]
    lines = (project.folder / "Procfile").read_text().splitlines()
    processes = ["web"] + ["worker"] * project.answers["use_celery"]
    assert [line.partition(": ")[0] for line in lines] == ["release", *processes]
    assert {name: dyno["quantity"] for name, dyno in app["formation"].items()} == dict.fromkeys(
        processes, 1
    )


def assert_app_spec(project) -> None:
    spec = parse(project.folder / ".do/app.yaml")
    kinds = ["services"] + ["workers"] * project.answers["use_celery"] + ["jobs", "databases"]
    assert [key for key in spec if isinstance(spec[key], list)] == ["envs", *kinds]
    names = [spec["name"], *(part["name"] for kind in kinds for part in spec[kind])]
    for name in names:
        assert re.fullmatch(r"[a-z][a-z0-9-]{0,30}[a-z0-9]", name), name
    assert len(set(names)) == len(names)
    assert spec["ingress"]["rules"][0]["component"]["name"] == spec["services"][0]["name"]
    assert [job["kind"] for job in spec["jobs"]] == ["PRE_DEPLOY"]
    assert spec["services"][0]["http_port"] == 8080
    # Under WSGI a health check waits for a thread, so a busy site gets time.
    patience = {} if is_asgi(project.answers) else {"timeout_seconds": 10, "failure_threshold": 12}
    assert spec["services"][0]["health_check"] == {"http_path": "/healthz"} | patience
    # Else Cloudflare adds inline scripts, which the Content Security Policy refuses.
    assert spec["disable_email_obfuscation"] is True
    engines = ["PG"] + ["VALKEY"] * needs_redis(project.answers)
    assert [database["engine"] for database in spec["databases"]] == engines
    # There are no development databases of Valkey.
    assert all(one["production"] == (one["engine"] == "VALKEY") for one in spec["databases"])
    bound = set(re.findall(r"\$\{(\w+)\.", (project.folder / ".do/app.yaml").read_text()))
    assert bound == {"_self", *(database["name"] for database in spec["databases"])}
    # Databases exist at run time only, and a value for the build would be stored in its image.
    variables = spec["envs"] + spec["services"][0].get("envs", [])
    assert {variable["scope"] for variable in variables} == {"RUN_TIME"}
    values = {variable["key"]: variable["value"] for variable in variables}
    assert values["ALLOWED_HOSTS"] == "${APP_DOMAIN}"
    assert values.get("WEB_CONCURRENCY", "2") == "2"
    assert ("WEB_CONCURRENCY" in values) == has_processes(project.answers)
    # App Platform stores these encrypted.
    secrets = {variable["key"] for variable in variables if variable.get("type") == "SECRET"}
    assert secrets == {name for name in values if re.search("SECRET|ACCESS_KEY", name)}
    assert_autoscaling((project.folder / "docs/scaling.md").read_text())


def assert_autoscaling(text: str) -> None:
    """It replaces instance_count; requests_per_second is a metric of services, not of workers."""
    autoscaling = yaml.safe_load(re.search(r"```yaml\n(.+?)```", text, re.DOTALL)[1])["autoscaling"]
    least, most, metrics = autoscaling.values()
    assert list(autoscaling) == ["min_instance_count", "max_instance_count", "metrics"]
    assert 1 < least < most
    assert metrics == {"requests_per_second": {"per_instance": 50}}


def test_dependabot_raises_packages_and_actions_together_once_a_week(project):
    config = parse(project.folder / ".github/dependabot.yml")
    assert config["version"] == 2
    updates = {update["package-ecosystem"]: update for update in config["updates"]}
    assert set(updates) == {"pip", "github-actions"}
    for update in updates.values():
        assert (update["directory"], update["schedule"]) == ("/", {"interval": "weekly"})
        assert [group["patterns"] for group in update["groups"].values()] == [["*"]]


def test_the_readme_and_settings_are_short_and_the_commands_are_of_one_platform(project):
    readme = (project.folder / "README.md").read_text()
    settings = (project.folder / "config/settings.py").read_text()
    options = project.answers["use_celery"] + project.answers["use_s3_media"]
    assert len(readme.splitlines()) <= 106 + 10 * options
    assert len(settings.splitlines()) <= 260 + 10 * options
    readme += (project.folder / "docs/operations.md").read_text()
    for platform, own in COMMANDS.items():
        expected = own if platform == project.answers["platform"] else set()
        assert {command for command in own if command in readme} == expected


def test_every_variable_that_the_settings_read_is_documented(project):
    settings = (project.folder / "config/settings.py").read_text()
    read = set(re.findall(r'env\.\w+\(\s*"(\w+)"', settings))
    for module, names in (("database_url", r"DATABASE_\w+"), ("variables", r"AWS_\w+")):
        read |= set(re.findall(rf'"({names})"', (PACKAGE / f"src/paas/{module}.py").read_text()))
    assert "SECRET_KEY" in read
    text = (project.folder / ".env.example").read_text()
    # Without a value, python-dotenv would take the comment for it.
    assert set(re.findall(r"^# (\w+)=[^\s#]+  # .+$", text, re.MULTILINE)) == read - {"ENV_FILE"}


def test_every_file_that_the_documents_name_exists(project):
    for name in ("README.md", "AGENTS.md", "docs/operations.md", "docs/scaling.md"):
        document = project.folder / name
        text = document.read_text()
        paths = set(re.findall(r"`((?:\w+/)+\w*(?:\.\w+)?)`", text)) - {"admin/", "media/"}
        roots = {
            path: PACKAGE / "src" if path.startswith("paas/") else project.folder for path in paths
        }
        assert [path for path, root in roots.items() if not (root / path).exists()] == []
        links = re.findall(r"\]\(([\w./]+)", text.replace("](http", ""))
        assert [link for link in links if not (document.parent / link).exists()] == []
