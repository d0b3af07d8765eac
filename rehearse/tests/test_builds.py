"""Small projects are built, released and booted as on their platform, or the cause is named."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import NamedTuple

import pytest
from uv import find_uv_bin

from rehearse.buildpack import find_python
from rehearse.services import free_port
from tests.harness.combinations import TEMPLATE

pytestmark = pytest.mark.rehearsal

APP = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
"""
FLAT = {"Procfile": "web: gunicorn app:app\n", "requirements.txt": "gunicorn\n", "app.py": APP}
SETTINGS = """
import os
from pathlib import Path
import dj_database_url
SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS, ROOT_URLCONF = ["*"], "urls"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.staticfiles"]
STATIC_URL, STATIC_ROOT = "/static/", Path("collected")
DATABASES = {"default": dj_database_url.config(default="sqlite:///site.sqlite3")}
"""
DJANGO = {
    "Procfile": "release: python manage.py migrate\nweb: gunicorn wsgi:application\n",
    "requirements.txt": "django\ngunicorn\npsycopg[binary]\ndj-database-url\n",
    "manage.py": "import os, sys\nfrom django.core.management import execute_from_command_line\n"
    "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')\nexecute_from_command_line(sys.argv)\n",
    "settings.py": SETTINGS,
    "urls.py": "urlpatterns = []\n",
    "wsgi.py": "import os\nfrom django.core.wsgi import get_wsgi_application\n"
    "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')\napplication = get_wsgi_application()\n",
}
URL = 'import os; os.environ["DATABASE_URL"]\n'
NEEDS_DATABASE = DJANGO | {"settings.py": f"{URL}{SETTINGS}"}


def spec(service: str, rest: str = "") -> dict[str, str]:
    return {"Procfile": "", ".do/app.yaml": f"services:\n- {{name: api, {service}}}\n{rest}"}


ON_APP_PLATFORM = DJANGO | spec(
    "run_command: gunicorn wsgi, envs: [{key: SECRET_KEY, type: SECRET}]",
    "databases: [{name: db}]\nenvs: [{key: DATABASE_URL, value: '${db.DATABASE_URL}'}]",
)
HOOK = "bin/post_compile"
ASKS_POSTGRES = "import psycopg; psycopg.connect('postgres://x:x@localhost/x', connect_timeout=2)\n"
PYPROJECT = "[project]\nname = 'x'\nversion = '1'\nrequires-python = '>=3.12'\ndependencies = "


class Case(NamedTuple):
    """A project; arguments; the step that fails, or none; and what the run prints."""

    files: dict[str, str]
    arguments: Sequence[str] = ()
    fails: str = ""
    prints: str = ""


SECRET = ["--set", "SECRET_KEY=x"]
CASES = {
    "requirements in a folder, with comments and options": Case(
        FLAT
        | {
            "requirements.txt": "-r requirements/prod.txt  # all of it\n",
            "requirements/prod.txt": "--requirement=base.txt\n-c pins.txt\n",
            "requirements/base.txt": "gunicorn \\\n  >=20  # serves\n",
            "requirements/pins.txt": "gunicorn<99\n",
        }
    ),
    "a constraint that is missing": Case(
        FLAT | {"requirements.txt": "-r a/b.txt", "a/b.txt": "-c ../pins.txt\ngunicorn"},
        fails="build",
        prints=r"requirements\.txt cannot be installed: Could not open .*No such file .*pins\.txt'\n",
    ),
    "requirements in UTF-16": Case(FLAT | {"requirements.txt": "\ufeffgunicorn\r\n"}),
    "config vars in collectstatic": Case(DJANGO, SECRET, prints=r"packages, collectstatic\n"),
    "a secret of app.json in collectstatic and in the release": Case(
        DJANGO
        | {
            "app.json": json.dumps({"env": {"SECRET_KEY": {"generator": "secret"}}}),
            "Procfile": 'release: test "$SECRET_KEY" = $(cat secret)\nweb: gunicorn wsgi',
            HOOK: 'printf %s "$SECRET_KEY" > secret\n',
        }
    ),
    "a first deployment without the add-on": Case(
        NEEDS_DATABASE,
        SECRET,
        prints=r"needs DATABASE_URL: create the add-on before the first deployment",
    ),
    "the last failure of two": Case(
        NEEDS_DATABASE | {"settings.py": f"{URL}{SETTINGS}\nimport absent_one"},
        SECRET,
        fails="build",
        prints=r"static files cannot be collected\n  -> Add the package of absent_one",
    ),
    "a secret of the app spec in the build": Case(
        ON_APP_PLATFORM, prints="packages, collectstatic"
    ),
    "a database in App Platform's build": Case(
        ON_APP_PLATFORM | {"settings.py": f"{URL}{SETTINGS}"},
        fails="build",
        prints=r"without variables that a build does not have\n  -> Give the variable DATABASE_URL",
    ),
    "a config var in a hook": Case(
        FLAT | {"app.json": '{"env": {"IT": "1"}}', HOOK: '#!/bin/sh\ntest "$IT$THAT" = 12\n'},
        ["--set", "THAT=2"],
    ),
    "a hook that fails": Case(
        FLAT | {HOOK: "echo not today; exit 3\n"},
        fails="build",
        prints=r"The hook bin/post_compile failed\n[^|]+\| .*exited with 3:\n  \| not today",
    ),
    "a hook in Python with a pip of its own": Case(
        FLAT
        | {
            HOOK: "#!/usr/bin/env python\nimport shutil, sys\n"
            "assert shutil.which('pip').startswith(sys.prefix), sys.prefix\n"
            "assert not any(map(shutil.which, ['npm', 'node', 'uv', 'redis-server']))\n"
        }
    ),
    "requirements that a hook writes": Case(
        {n: t for n, t in FLAT.items() if n != "requirements.txt"}
        | {"bin/pre_compile": "echo gunicorn > requirements.txt\n"}
    ),
    "a module in the project's folder for a script elsewhere": Case(
        FLAT
        | {
            "Procfile": "web: python scripts/serve.py",
            "scripts/serve.py": "import os, app\nfrom wsgiref.simple_server import make_server\n"
            "make_server('', int(os.environ['PORT']), app.app).serve_forever()\n",
        }
    ),
    "a module that .gitignore leaves out": Case(
        FLAT | {".gitignore": "local.py\n", "local.py": "", "app.py": f"import local\n{APP}"},
        fails="boot",
        prints=r"local\.py is not deployed: \.gitignore",
    ),
    "an add-on that is not given": Case(
        FLAT
        | {
            "app.json": '{"addons": ["rediscloud:30"]}',
            "app.py": f"import os; os.environ['REDISCLOUD_URL']\n{APP}",
        },
        fails="boot",
        prints=r"--set REDISCLOUD_URL='\$REDIS_URL'",
    ),
    "the same add-on, given as advised": Case(
        FLAT
        | {
            "app.json": '{"addons": ["rediscloud:30"]}',
            "app.py": f"import os; assert 'rediss://' in os.environ['REDISCLOUD_URL']\n{APP}",
        },
        ["--set", "REDISCLOUD_URL=$REDIS_URL"],
    ),
    "SQLite": Case(
        DJANGO | {"app.json": '{"name": "x"}'}, SECRET, prints=r"a restart deletes .* site\.sqlite3"
    ),
    "this machine's PostgreSQL": Case(
        DJANGO | {"app.py": f"{ASKS_POSTGRES}{APP}", "Procfile": "web: gunicorn app:app"},
        SECRET,
        fails="boot",
        prints=r"The platform has no server at localhost:5432",
    ),
    "a package that is missing": Case(
        FLAT | {"requirements.txt": ""}, fails="boot", prints="Add the package of gunicorn"
    ),
    "a module that only the command names": Case(
        FLAT | {"Procfile": "web: gunicorn site1.wsgi"},
        fails="boot",
        prints="A command of the project names site1, which the project does not have",
    ),
}
if find_python("3.12"):
    CASES["setuptools of the buildpack"] = Case(
        FLAT | {".python-version": "3.12\n", "app.py": f"import pkg_resources\n{APP}"},
        prints=r"python 3\.12\.",
    )


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-16-le" if text[:1] == "\ufeff" else "utf-8")


def built(folder: Path, case: Case) -> None:
    """Rehearse the case, and assert that it boots, or that the step fails; and what it prints."""
    write(folder, case.files)
    if case.files.get("Procfile") == "":
        (folder / "Procfile").unlink()
    command = [sys.executable, "-m", "rehearse", str(folder), "--only", "build", *case.arguments]
    done = subprocess.run(
        command, cwd=TEMPLATE, check=False, capture_output=True, text=True, timeout=600
    )
    printed = done.stdout + done.stderr
    assert done.returncode == (1 if case.fails else 0), printed
    assert not case.fails or re.search(rf"^ {case.fails} +fails ", printed, re.MULTILINE), printed
    assert re.search(case.prints, printed), printed


@pytest.mark.parametrize("name", CASES)
def test_it_is_built_as_on_its_platform(name, tmp_path):
    built(tmp_path, CASES[name])


def uv(folder: Path, *arguments: str) -> None:
    subprocess.run([find_uv_bin(), *arguments], cwd=folder, check=True, capture_output=True)


def test_a_lock_that_is_out_of_date_ends_the_run_with_uv_s_reason(tmp_path):
    write(
        tmp_path, FLAT | {"pyproject.toml": f"{PYPROJECT}['gunicorn']", ".python-version": "3.13"}
    )
    (tmp_path / "requirements.txt").unlink()
    uv(tmp_path, "lock")
    built(tmp_path, Case({}))
    stale = {"pyproject.toml": f"{PYPROJECT}['gunicorn', 'flask']"}
    reason = r"uv\.lock cannot be installed: The lockfile .* needs to be updated"
    built(tmp_path, Case(stale, fails="build", prints=reason))


@pytest.mark.parametrize("answers", [True, False], ids=["another version", "no answer"])
def test_pip_s_rule_for_several_indexes_counts(tmp_path, answers):
    """uv's own takes every version of a package from the first index that has one."""
    index = tmp_path / "index"
    write(index, {"gunicorn/index.html": "<a href='gunicorn-0.1-py3-none-any.whl'>gunicorn</a>"})
    handler = partial(SimpleHTTPRequestHandler, directory=str(index))
    port = free_port()
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        asked = port if answers else free_port()
        lines = f"--extra-index-url http://127.0.0.1:{asked}\ngunicorn==23.0.0\n"
        built(tmp_path / "project", Case(FLAT | {"requirements.txt": lines}))
        server.shutdown()
