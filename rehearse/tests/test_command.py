"""``rehearse`` says in a sentence why it cannot start, and reads what the platforms read."""

import json
import os
import re
import runpy
import subprocess
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rehearse.buildpack import BuildFailed, asked_python, check, collects_static
from rehearse.command import end_processes_in, main
from rehearse.findings import Finding, Rehearsed, Sample
from rehearse.platforms import PLATFORMS, AppPlatform, HealthCheck, Heroku
from rehearse.platforms.base import filled_in
from rehearse.project import copy
from rehearse.report import html
from rehearse.steps.start import advice_for
from tests.harness.combinations import PACKAGE

WEB = {"Procfile": "web: python -m http.server\n", "requirements.txt": ""}
SPEC = """
services:
  - name: api
    source_dir: src
    run_command: gunicorn site
    instance_size_slug: apps-s-1vcpu-1gb
    health_check: {http_path: /up}
    envs:
      - {key: STRIPE_KEY, type: SECRET, value: STRIPE_KEY_GOES_HERE}
      - {key: SECRET_KEY, type: SECRET}
      - {key: REGION, value: nyc}
      - {key: DEBUG, value: false}
      - {key: SINCE, value: 2026-01-31}
      - {key: DATABASE_URL, scope: RUN_TIME, value: "${db.DATABASE_URL}"}
jobs:
  - {name: migrate, kind: PRE_DEPLOY, run_command: python migrate.py}
  - {name: report, kind: POST_DEPLOY, run_command: python report.py}
workers:
  - {name: tasks, run_command: celery --app site worker}
databases:
  - {name: db, engine: PG}
"""
STRIPE = json.dumps({"env": {"STRIPE_KEY": {"description": "A key."}}})
NODE_FIRST = "services: [{name: front, environment_slug: node-js}, {name: back}]"
# Files of a project, arguments, and the sentence.
CANNOT_START = [
    ({"requirements.txt": ""}, [], r"Neither Procfile nor .do/app.yaml is in"),
    ({"requirements.txt": ""}, ["--platform", "heroku"], "There is no Procfile: add one with"),
    ({"requirements.txt": ""}, ["--platform", "digitalocean"], "There is no .do/app.yaml"),
    (WEB | {"Procfile": "worker: x\n"}, [], "Procfile has no web process."),
    (WEB | {"Procfile": "\ufeffweb: x\n"}, [], "Procfile begins with a BOM: save it as UTF-8"),
    (WEB | {"uv.lock": ""}, [], "keep one package manager's file"),
    (WEB | {"runtime.txt": "python-3.9"}, [], "runtime.txt asks for Python 3.9, which is not"),
    (WEB | {"app.json": STRIPE}, [], "Only you know STRIPE_KEY: give a value to each, as in --set"),
    (WEB | {"app.json": "{"}, [], "app.json is not valid JSON"),
    (
        WEB | {".do/app.yaml": ":\n- :"},
        ["--platform", "digitalocean"],
        "app.yaml is not valid YAML",
    ),
    (
        WEB | {".do/app.yaml": "services: [{name: web, dockerfile_path: x}]"},
        ["--platform", "digitalocean"],
        "Dockerfile, which is not simulated",
    ),
    (
        {".do/app.yaml": NODE_FIRST},
        [],
        "from node-js, which is not simulated. Choose another one: --component back.",
    ),
    ({".do/app.yaml": NODE_FIRST}, ["--component", "x"], "has no service x; it has front, back."),
    ({".do/app.yaml": NODE_FIRST}, ["--component", "back"], "The service back has no run_command"),
    (WEB | {"Procfile": "web: npm start"}, [], "Procfile's web is of Node, which is not simulated"),
    *(
        (WEB | {"app.json": written}, [], sentence)
        for written, sentence in {
            "[]": "app.json must be a mapping, such as",
            '{"env": []}': "app.json: env must be a mapping, such as",
            '{"env": {"A": ["x"]}}': "app.json: env: A must be a text, such as",
            '{"addons": [{"as": "X"}]}': "app.json: addons[0] has no plan.",
            '{"formation": {"web": "x"}}': "app.json: formation: web must be a mapping",
        }.items()
    ),
    *(
        (WEB | {".do/app.yaml": written}, ["--platform", "digitalocean"], sentence)
        for written, sentence in {
            "- name: x": "app.yaml must be a mapping, such as",
            "services: {name: x}": "app.yaml: services must be a list, such as",
            "services: [x]": "app.yaml: services[0] must be a mapping",
            "services: [{run_command: x}]": "app.yaml: services[0] has no name.",
            "services: [{name: x, run_command: [x]}]": "services[0]: run_command must be a text",
            "envs: [{value: x}]\nservices: [{name: x}]": "app.yaml: envs[0] has no key.",
        }.items()
    ),
]


@pytest.fixture
def project(tmp_path):
    """A function that writes the files of a project, and returns its folder."""

    def write(files: dict[str, str]) -> Path:
        folder = tmp_path / "project"
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        return folder

    return write


@pytest.mark.parametrize(("files", "arguments", "sentence"), CANNOT_START)
def test_what_cannot_start_gets_one_sentence_and_status_2(
    project, capsys, files, arguments, sentence
):
    assert main([str(project(files)), *arguments]) == 2
    printed = capsys.readouterr().err
    assert sentence in printed
    assert len(printed.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--path", "about"], "try /about"),
        (["--set", "KEY"], "'KEY' is not NAME=VALUE"),
        (["--only", "lunch"], "'lunch' is no step; there are: build, release"),
    ],
)
def test_a_bad_argument_gets_a_sentence_and_status_2(capsys, arguments, sentence):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert sentence in capsys.readouterr().err


def test_a_rejected_build_is_reported_too_without_the_values_of_variables(
    project, tmp_path, capsys
):
    folder = project(WEB | {"uv.lock": "", ".do/app.yaml": "services: [{name: web}]"})
    files = {kind: tmp_path / f"new/report.{kind}" for kind in ("html", "json")}
    arguments = [word for kind, file in files.items() for word in (f"--{kind}", str(file))]
    assert main([str(folder), "--set", "TOKEN=hush", "--path", "/a", *arguments]) == 2
    page, report = files["html"].read_text(), json.loads(files["json"].read_text())
    [step] = report["steps"]
    assert (step["name"], step["status"]) == ("build", "fails")
    assert "keep one package manager" in step["text"]
    assert step["text"] in unescape(page)
    assert report["options"] == "--path /a --set TOKEN"
    assert re.match(r"20\d\d-\d\d-\d\d \d\d:\d\d", report["date"])
    assert report["versions"]["PostgreSQL"] in page
    assert "hush" not in page + files["json"].read_text()


@pytest.mark.parametrize("place", ["{}", "{}/a file/x.html"])
def test_a_report_that_cannot_be_written_is_told_before_the_run(tmp_path, capsys, place):
    (tmp_path / "a file").write_text("")
    assert main(["no-folder", "--html", place.format(tmp_path)]) == 2
    printed = capsys.readouterr().err
    assert "no report can be written to" in printed
    assert len(printed.splitlines()) == 1


def test_what_still_runs_in_the_folder_is_ended_and_nothing_else(tmp_path):
    """An interrupt may come between the start of a process and the note of it."""
    elsewhere: dict = {"cwd": "/", "start_new_session": True}
    home = {"HOME": str(tmp_path), "PATH": os.defpath}
    ours = [
        subprocess.Popen(["sleep", "100"], cwd=tmp_path, start_new_session=True),
        subprocess.Popen(["sleep", "100"], env=home, **elsewhere),
    ]
    others = [
        subprocess.Popen(["sleep", "100"], **elsewhere),
        subprocess.Popen(["tail", "-f", "/dev/null", str(tmp_path)], **elsewhere),
    ]
    try:
        end_processes_in(tmp_path)
        assert [process.poll() is None for process in ours] == [False, False]
        assert [process.poll() is None for process in others] == [True, True]
    finally:
        for process in [*ours, *others]:
            process.kill()
            process.wait()


def test_an_app_spec_is_read_as_the_platform_reads_it(project):
    folder = project({".do/app.yaml": SPEC, "src/requirements.txt": ""})
    platform = AppPlatform(folder)
    platform.check()
    assert platform.folder == folder / "src"
    assert platform.commands() == {
        "web": "gunicorn site",
        "release": "python migrate.py",
        "tasks": "celery --app site worker",
    }
    assert platform.blanks() == ["STRIPE_KEY"]
    assert platform.services() == {"postgres"}
    assert platform.megabytes("web") == 1024
    assert platform.megabytes("tasks") == 512
    assert platform.health_check() == HealthCheck("/up", period=10, timeout=1, failures=9)
    # What has no scope is there in the build too, generated secrets are the same; a database is not.
    build = platform.build_environment({"MINE": "1", "DATABASE_URL": "x", "MY_REDIS": "$REDIS_URL"})
    assert (build["REGION"], build["MINE"]) == ("nyc", "1")
    assert (build["DEBUG"], build["SINCE"]) == ("false", "2026-01-31")
    assert build["SECRET_KEY"] == platform.build_environment()["SECRET_KEY"]
    assert not {"DATABASE_URL", "MY_REDIS"} & set(build)


SEVERAL = """
envs:
  - {key: SECRET_KEY, type: SECRET}
  - {key: EVERYWHERE, value: app}
services:
  - {name: site, environment_slug: node-js, source_dir: front, run_command: npm start}
  - {name: api, source_dir: /back, run_command: gunicorn app, envs: [{key: OF, value: api}]}
jobs:
  - {name: one, kind: PRE_DEPLOY, run_command: first, envs: [{key: OF, value: "${db.PORT}"}]}
  - {name: two, kind: PRE_DEPLOY, run_command: second, envs: [{key: OF_TWO, value: two}]}
  - {name: late, run_command: third}
workers:
  - {name: queue, run_command: celery worker, instance_size_slug: professional-1l, source_dir: back,
     envs: [{key: OF, value: queue}, {key: ONLY_YOU, type: SECRET}]}
  - {name: idle}
  - {name: other, run_command: x, source_dir: front}
  - {name: go, run_command: x, environment_slug: go}
  - {name: image, run_command: x, image: {registry: x}}
static_sites: [{name: docs}]
functions: [{name: hooks}]
databases: [{name: db}]
"""


def test_each_component_of_a_spec_has_its_own_variables_and_what_is_not_run_is_told(project):
    folder = project({".do/app.yaml": SEVERAL, "back/requirements.txt": ""})
    platform = AppPlatform(folder, "api")
    platform.check()
    assert platform.folder == folder / "back"
    commands = {"web": "gunicorn app", "release": "first && second", "queue": "celery worker"}
    assert platform.commands() == commands
    assert platform.blanks() == ["ONLY_YOU"]
    postgres = SimpleNamespace(url=lambda *_: "postgres://x", port=5, password="p")
    services: Any = SimpleNamespace(postgres=postgres, authority=folder / ".do/app.yaml")
    services.valkey, services.issued_port = postgres, 6
    given = {"ONLY_YOU": "given"}
    found = {n: platform.environment(services, "x", given, n) for n in platform.commands()}
    own = {name: (one["OF"], one.get("OF_TWO"), one["EVERYWHERE"]) for name, one in found.items()}
    assert own == {
        "web": ("api", None, "app"),
        "release": ("5", "two", "app"),
        "queue": ("queue", None, "app"),
    }
    assert len({one["SECRET_KEY"] for one in found.values()}) == 1
    assert platform.untried() == [
        "service site: --component takes it",
        "job late: POST_DEPLOY",
        "worker idle: no run_command",
        "worker other: another source_dir, front",
        "worker go: go",
        "worker image: an image",
        "static site docs: not simulated",
        "function hooks: not simulated",
    ]
    assert platform.megabytes("queue") == 4096


@pytest.mark.parametrize(
    ("slug", "megabytes"),
    [
        ("apps-s-1vcpu-0.5gb", 512),
        ("apps-s-1vcpu-1gb-fixed", 1024),
        ("apps-d-8vcpu-32gb", 32768),
        ("basic-xxs", 512),
        ("basic-xs", 1024),
        ("professional-s", 2048),
        ("basic-m", 4096),
        ("professional-l", 8192),
        ("professional-xl", 16384),
        ("", 512),
    ],
)
def test_the_memory_of_an_instance_is_that_of_the_published_table(project, slug, megabytes):
    spec = {"services": [{"name": "x", "run_command": "x", "instance_size_slug": slug}]}
    platform = AppPlatform(project({".do/app.yaml": json.dumps(spec)}))
    assert platform.megabytes("web") == megabytes


def test_app_json_says_which_addons_and_variables_there_are(project):
    manifest = {
        "env": {
            "TOKEN": {"generator": "secret"},
            "NAME": "site",
            "KEY": {"required": True},
            "MAYBE": {"required": False},
        },
        "addons": ["heroku-postgresql:essential-0", {"plan": "heroku-redis:mini", "as": "QUEUE"}],
        "formation": {"web": {"size": "Standard-2X"}},
    }
    platform = Heroku(project(WEB | {"app.json": json.dumps(manifest)}))
    assert platform.blanks() == ["KEY"]
    assert platform.addons() == {"DATABASE_URL": "postgres", "QUEUE_URL": "redis"}
    assert (platform.megabytes("web"), platform.megabytes("worker")) == (1024, 512)


@pytest.mark.parametrize("platform", PLATFORMS.values())
def test_the_router_sets_the_headers_that_the_package_trusts(platform, tmp_path):
    """The facts of a platform that paas/platforms has too: neither can import the other."""
    facts = runpy.run_path(str(PACKAGE / f"src/paas/platforms/{platform.name}.py"))
    forged = [
        (facts["CLIENT_IP_HEADER"].encode(), b"192.0.2.1"),
        (b"x-forwarded-for", b"192.0.2.2"),
    ]
    routed = platform(tmp_path).routed(forged, "203.0.113.7", "https")
    sent = {name.decode(): value.decode() for name, value in routed}
    assert re.split(", *", sent[facts["CLIENT_IP_HEADER"]])[-1] == "203.0.113.7"
    others = re.split(", *", sent["x-forwarded-for"])[: -facts["FORWARDED_FOR_ENTRIES"]]
    assert others[-1] in ("192.0.2.1", "192.0.2.2")
    assert facts["REQUEST_START_HEADER"] == (
        "x-request-start" if "x-request-start" in sent else None
    )
    assert facts["NAME"] == platform.title


def test_without_app_json_both_addons_are_given(project):
    assert Heroku(project(WEB)).services() == {"postgres", "redis"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"runtime.txt": "python-3.12.1"}, ("3.12.1", "runtime.txt")),
        ({".python-version": "3.12"}, ("3.12", ".python-version")),
        (
            {"Pipfile.lock": '{"_meta": {"requires": {"python_version": "3.11"}}}'},
            ("3.11", "Pipfile.lock"),
        ),
        ({}, ("3.14", "")),
    ],
)
def test_the_version_of_python_follows_the_buildpack_s_rules(project, files, expected):
    assert asked_python(project(WEB | files)) == expected


def test_uv_takes_python_version_and_no_runtime_txt(project):
    folder = project({"uv.lock": ""})
    with pytest.raises(BuildFailed, match=r"needs a \.python-version"):
        asked_python(folder)
    (folder / "runtime.txt").write_text("python-3.13")
    with pytest.raises(BuildFailed, match=r"use \.python-version instead"):
        asked_python(folder)


def test_static_files_are_collected_only_with_django_and_manage_py(project):
    folder = project({"src/manage.py": ""})
    assert not collects_static(folder, {})
    (folder / ".heroku/python/lib/python3.13/site-packages/django").mkdir(parents=True)
    assert collects_static(folder, {})
    assert not collects_static(folder, {"DISABLE_COLLECTSTATIC": "1"})
    (folder / "src/manage.py").unlink()
    assert not collects_static(folder, {})


@pytest.mark.parametrize("platform", [Heroku, AppPlatform])
def test_a_build_runs_hooks_and_the_spec_s_own_command(project, platform):
    spec = "services: [{name: web, run_command: x, build_command: 'echo command >> log'}]"
    folder = project(
        WEB
        | {
            ".do/app.yaml": spec,
            "bin/pre_compile": "echo before >> log",
            "bin/post_compile": "echo after >> log",
        }
    )
    platform(folder).build()
    command = ["command"] if platform is AppPlatform else []
    assert (folder / "log").read_text().split() == ["before", "after", *command]


def test_a_copy_leaves_out_what_is_not_deployed(project, tmp_path):
    left_out = {".env": "", "own/pyvenv.cfg": "", "own/bin/x": "", "a/node_modules/b.js": ""}
    left_out |= {"local.py": "", "a/x.log": ""}
    kept = WEB | {
        "a/b.py": "",
        "env/__init__.py": "",
        "staticfiles/a.css": "",
        "a/site.sqlite3": "",
    }
    kept |= {".gitignore": "local.py\n*.log\n", ".slugignore": "docs\n"}
    folder = project(kept | left_out | {"docs/a.md": ""})
    assert files(copy(folder, tmp_path / "copy", ".slugignore")) == set(kept)
    assert files(copy(folder, tmp_path / "whole")) == {*kept, "docs/a.md"}


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def test_what_git_tracks_is_copied_and_a_committed_environment_is_refused(project, tmp_path):
    tracked = WEB | {".env": "", "local.sqlite3": "", "venv/pyvenv.cfg": "", "gone.py": ""}
    folder = project(tracked | {".gitignore": "*.sqlite3\n.env\n"})
    git(folder, "init", "--quiet")
    git(folder, "add", "--all", "--force")
    (folder / "gone.py").unlink()
    project({"new.py": "", "secret.sqlite3": "", ".coverage": "", "other/pyvenv.cfg": ""})
    copied = copy(folder, tmp_path / "copy")
    assert files(copied) == {*tracked, ".gitignore", "new.py"} - {"gone.py"}
    # A folder of it alone, as for a source_dir.
    assert files(copy(folder / "venv", tmp_path / "part")) == {"pyvenv.cfg"}
    with pytest.raises(BuildFailed, match="is committed"):
        check(copied)


def test_a_variable_may_name_another():
    variables = {"REDIS_URL": "redis://x"}
    assert filled_in("$REDIS_URL/1", variables) == "redis://x/1"
    assert filled_in("${REDIS_URL}?a=$B", variables) == "redis://x?a=$B"


def test_the_page_shows_lost_requests_and_advice_and_escapes_what_was_printed():
    finding = Finding(step="load", samples=[Sample(n, 20, n == 3) for n in range(6)])
    finding.fail("lost 1 of 6", "Use <this>.", "</pre><script>alert(1)</script>")
    rehearsed = Rehearsed("site", "Heroku", "python 3.13", {"web": "x"}, [finding], pages=["/a"])
    rehearsed.untried = ["worker idle: no run_command"]
    page = html.render(rehearsed)
    assert page.count('class="lost"') == 1
    assert page.count('class="dot"') == 5
    assert "<details open>" in page
    assert "<dt>pages</dt><dd>/a</dd><dt>not tried</dt><dd>worker idle: no run_command</dd>" in page
    assert "Use &lt;this&gt;." in page
    assert "<script" not in page
    assert not any(word in page for word in ("http://", "https://", "url("))


ADVICE = {
    "ModuleNotFoundError: No module named 'flask'": (
        "Add the package of flask to the project's requirements: No module named 'flask'."
    ),
    "ModuleNotFoundError: No module named 'cgi'": "Newer Pythons have no module cgi",
    "KeyError: 'SECRET_KEY'": "Give the variable SECRET_KEY a value",
    "Killed": "Read it.",
}


@pytest.mark.parametrize("output", ADVICE)
def test_what_a_failed_command_printed_becomes_advice(output):
    assert advice_for(output, "Read it.").startswith(ADVICE[output])
