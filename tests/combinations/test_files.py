"""Every combination has the expected files, each of them valid, and no trace of other answers."""

import re
from collections.abc import Iterator

import yaml

from tests.harness.assertions import assert_valid_files, files_of, own_files_of, parse, tracked
from tests.harness.combinations import (
    COMBINATIONS,
    PACKAGE,
    PROJECT,
    WITHOUT_EXAMPLES,
    for_combinations,
    given,
    has_processes,
    is_asgi,
    needs_redis,
)

pytestmark = for_combinations([*COMBINATIONS, *WITHOUT_EXAMPLES])
# By answer, or value derived from answers: files and folders that a project has only with it.
ONLY_WITH = {
    "heroku": "Procfile app.json",
    "digitalocean": ".do",
    "asgi": "config/asgi.py",
    "wsgi": "config/wsgi.py",
    "gunicorn": "gunicorn.conf.py",
    "use_celery": "config/celery.py",
    "presence": "presence static/presence.css static/presence.js templates/presence",
    "welcome": "welcome templates/welcome",
    "pictures": "pictures static/pictures.css templates/pictures",
}
# In the same way, case-insensitive regular expressions that no project without it may match.
TERMS = {
    "heroku": [
        *["heroku", "dyno", "procfile", r"app\.json"],
        "amazonaws",  # S3's host; App Platform's bucket is on Spaces
    ],
    "digitalocean": [
        *["digitalocean", "app platform", "app spec", r"app\.yaml", r"\.do\b", "doctl"],
        *[r"live\.yaml", r"\bnyc\d?\b", "spaces_"],
        r"\b(?-i:Spaces)\b",  # not those between words
    ],
    "asgi": [
        r"asgi(?!ref)",  # asgiref is Django's
        *[r"web.?socket", r"\bwss?\b", "consumer", "pytest.asyncio", "asyncio_mode"],
        r"(?<!com/)ticket",  # code.djangoproject.com/ticket/ is Django's tracker
        r"\bchannels\b",  # not Waitress' connections, such as active_channels
        r"channel.layer",
        "msgpack",  # of channels-redis
    ],
    "wsgi": [r"wsgi(?!_request)"],  # Django's test client has response.wsgi_request
    # In development `runserver` of Daphne serves WebSockets.
    "daphne": ["daphne(?!>=|==)", "websocket_connect_timeout"],
    "gunicorn": ["gunicorn"],
    "uvicorn": ["uvicorn", "httptools"],
    "waitress": ["waitress"],
    "use_celery": [
        *["celery", "kombu", "billiard", "amqp", "crontab", "beat_schedule", "remap_sigterm"],
        *["worker_concurrency", "worker process", "background task", "lost_task", "task_again"],
    ],
    "use_s3_media": [
        # Not the settings: a project without uploads gets a bucket by two lines of packages.
        *["s3transfer", r"\bboto", "jmespath", r"django-storages(?!\.readthedocs)", "pillow="],
    ],
    "presence": ["presence"],
    "welcome": [r"(?-i:welcome)"],  # the home page greets with "Welcome, "
    "pictures": [r"(?<!-in-)picture(?!-in-)"],  # picture-in-picture is a feature of browsers
    "redis": ["redis", "valkey"],
    # docs/operations.md says why Uvicorn ignores it.
    "processes": [r"web_concurrency(?!` sets the number)"],
}


def test_it_has_the_expected_files_and_no_others(project):
    answers = given(project.answers)
    others = {
        name for key, names in ONLY_WITH.items() if key not in answers for name in names.split()
    }
    expected = {
        name
        for path in tracked(PROJECT.name)
        if not others & {(name := path.relative_to(PROJECT)).as_posix(), *map(str, name.parents)}
    }
    found = {path.relative_to(project.folder) for path in files_of(project.folder)}
    assert found == expected, "compare the hook's ONLY_FOR with ONLY_WITH here"


def test_every_file_parses_and_ruff_finds_nothing(project):
    assert_valid_files(project.folder)


def test_no_mark_of_the_template_is_left_and_blank_lines_are_right(project):
    for path in own_files_of(project.folder):
        text = path.read_bytes().decode()
        assert "cookiecutter." not in text.lower(), path
        assert "<%" not in text, path
        if not {"templates", ".github", "app_template"} & set(path.parts):
            assert "{{" not in text, path
        assert not text or re.search(r"[^\n]\n\Z", text), path
        assert not re.search(r"[ \t\r]$", text, re.MULTILINE), path
        # Two blank lines are right in Python, also in that of a document.
        prose = re.sub(r"^ *```python\n.+?^ *```$", "code", text, flags=re.MULTILINE | re.DOTALL)
        assert path.suffix in (".py", ".py-tpl") or "\n\n\n" not in prose, path


def matches(term: str, text: str) -> Iterator[re.Match]:
    """A search in lowered text takes a fraction of one with re.IGNORECASE."""
    return re.finditer(term, text if "(?-i:" in term else text.lower())


def test_no_file_holds_a_term_of_an_answer_that_was_not_given(project):
    excluded = [term for name in TERMS.keys() - given(project.answers) for term in TERMS[name]]
    found = []
    for path in own_files_of(project.folder):
        text = f"{path.relative_to(project.folder)}\n{path.read_text()}"
        found += [(path, hit[0], term) for term in excluded for hit in matches(term, text)]
    assert found == []


def test_every_requirement_is_pinned_as_pyproject_asks_for(project):
    asked = parse(project.folder / "pyproject.toml")
    for lock, requirements in {
        "requirements.txt": asked["project"]["dependencies"],
        "requirements-dev.txt": asked["dependency-groups"]["dev"],
    }.items():
        pinned = (project.folder / lock).read_text()
        for requirement in requirements:
            name = re.match(r"[\w-]+", requirement)[0]
            found = re.search(rf"^{name}==|^\./vendor/{name}$", pinned, re.MULTILINE)
            assert found, f"{name} is not in {lock}: run scripts/lock.py"
        for line in pinned.splitlines():
            assert re.match(r"# |[\w.-]+==[\w.]+( ; .+)?$|\./vendor/django-paas$", line), line


def test_the_manifest_keeps_to_the_platform_s_rules(project):
    assert_manifest = {"heroku": assert_app_json, "digitalocean": assert_app_spec}
    assert_manifest[project.answers["platform"]](project)


def assert_app_json(project) -> None:
    app = parse(project.folder / "app.json")
    assert set(app) <= {"name", "description", "env", "formation", "addons"}
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
    names = [part["name"] for kind in kinds for part in spec[kind]]
    assert all(re.fullmatch(r"[a-z][a-z0-9-]{0,30}[a-z0-9]", name) for name in names)
    assert len(set(names)) == len(names)
    [service] = spec["services"]
    assert spec["ingress"]["rules"][0]["component"]["name"] == service["name"]
    assert [job["kind"] for job in spec["jobs"]] == ["PRE_DEPLOY"]
    # Under WSGI a health check waits for a thread, so a busy site gets time.
    patience = {} if is_asgi(project.answers) else {"timeout_seconds": 10, "failure_threshold": 12}
    assert service["health_check"] == {"http_path": "/healthz"} | patience
    # Else Cloudflare adds inline scripts, which the Content Security Policy blocks.
    assert spec["disable_email_obfuscation"] is True
    # There are no development databases of Valkey.
    databases = [(one["engine"], one["production"]) for one in spec["databases"]]
    assert databases == [("PG", False)] + [("VALKEY", True)] * needs_redis(project.answers)
    bound = set(re.findall(r"\$\{(\w+)\.", (project.folder / ".do/app.yaml").read_text()))
    assert bound == {"_self", *(database["name"] for database in spec["databases"])}
    # Databases exist at run time only, and a value for the build would be stored in its image.
    variables = spec["envs"] + service.get("envs", [])
    assert {variable["scope"] for variable in variables} == {"RUN_TIME"}
    values = {variable["key"]: variable["value"] for variable in variables}
    assert values["ALLOWED_HOSTS"] == "${APP_DOMAIN}"
    processes = {"WEB_CONCURRENCY": "2"} if has_processes(project.answers) else {}
    assert {k: v for k, v in values.items() if k == "WEB_CONCURRENCY"} == processes
    # App Platform stores these encrypted.
    secrets = {variable["key"] for variable in variables if variable.get("type") == "SECRET"}
    assert secrets == {name for name in values if re.search("SECRET|ACCESS_KEY", name)}


def test_the_services_of_the_workflow_are_where_its_steps_look_for_them(project):
    workflow = yaml.safe_load((project.folder / ".github/workflows/ci.yml").read_text())
    services = workflow["jobs"]["test"]["services"]
    ports = {name: service["ports"] for name, service in services.items()}
    assert ports == {"postgres": ["5432:5432"]}
    assert all("--health-cmd" in service["options"] for service in services.values())
    text = str(workflow["jobs"]["test"]["steps"])
    assert "postgres://postgres:postgres@localhost:5432/" in text


def test_every_variable_that_the_settings_read_is_documented_with_its_default(project):
    settings = (project.folder / "config/settings.py").read_text()
    read = dict(re.findall(r'env\.\w+\(\s*"(\w+)"(?:, ([\d_]+)\b)?', settings))
    assert "SECRET_KEY" in read
    text = (project.folder / ".env.example").read_text()
    # Without a value, python-dotenv would take the comment for it.
    documented = dict(re.findall(r"^# (\w+)=([^\s#]+)  # .+$", text, re.MULTILINE))
    assert read.keys() - documented.keys() == {"ENV_FILE"}
    numbers = {name: default.replace("_", "") for name, default in read.items() if default}
    processes = {"WEB_CONCURRENCY": "2"}  # where the platform sets it
    assert {name: documented[name] for name in numbers} == numbers | {
        name: number for name, number in processes.items() if name in numbers
    }


def test_every_file_that_the_documents_name_exists(project):
    roots = (project.folder, PACKAGE, PACKAGE / "src")
    for name in ("README.md", "AGENTS.md", "docs/operations.md", "docs/scaling.md"):
        document = project.folder / name
        text = document.read_text()
        paths = set(re.findall(r"`((?:\w+/)+\w*(?:\.\w+)?)`", text)) - {"admin/", "media/"}
        assert [path for path in paths if not any((root / path).exists() for root in roots)] == []
        links = re.findall(r"\]\(([\w./-]+)", text.replace("](http", ""))
        assert [link for link in links if not (document.parent / link).exists()] == []
