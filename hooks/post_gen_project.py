"""Delete the files that belong to other answers, then say what to type next."""

import json
import shutil
import sys
from pathlib import Path

ANSWERS = json.loads(r"""{{ cookiecutter | tojson }}""")

# A file stays if the answer beside it was given. This is the only place that knows.
ONLY_FOR = {
    ("platform", "heroku"): ["Procfile", "app.json"],
    ("platform", "digitalocean"): [".do"],
    ("__interface", "asgi"): [
        "config/asgi.py",
        "config/drain.py",
        "config/guard.py",
        "config/pool.py",
        "config/static.py",
        "config/websockets.py",
        "presence",
        "static/presence.css",
        "static/presence.js",
        "templates/presence",
        "tests/test_asgi.py",
        "tests/test_presence.py",
    ],
    ("__interface", "wsgi"): ["config/wsgi.py"],
    ("__app_server", "gunicorn"): ["gunicorn.conf.py"],
    ("server", "asgi-daphne"): ["config/daphne.py"],
    ("server", "asgi-gunicorn"): ["config/asgi_worker.py"],
    ("server", "wsgi-gunicorn"): ["config/wsgi_worker.py"],
    ("server", "wsgi-waitress"): ["config/waitress.py"],
    ("__redis", "yes"): ["config/redis.py"],
    ("use_celery", True): [
        "config/celery.py",
        "config/mail.py",
        "config/task_log.py",
        "templates/welcome",
        "tests/test_tasks.py",
        "welcome",
    ],
    ("use_s3_media", True): [
        "pictures",
        "static/pictures.css",
        "templates/pictures",
        "tests/test_pictures.py",
    ],
}
# What tools leave behind in the template's own folder when its code is checked in place.
CACHES = ["__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"]


def delete_what_was_not_chosen():
    for (name, value), paths in ONLY_FOR.items():
        if ANSWERS[name] != value:
            for path in map(Path, paths):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def delete_caches():
    for path in [found for name in CACHES for found in Path().rglob(name)]:
        shutil.rmtree(path)


def say_what_next():
    # Not every console has every letter, and the project is deleted if this fails. The stubs do not
    # know that it is no bare TextIO.
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    print(f"\n{ANSWERS['project_name']} is in {ANSWERS['project_slug']}. Next:\n")
    print(f"    cd {ANSWERS['project_slug']}")
    print("    python3 -m venv .venv && . .venv/bin/activate")
    print("    pip install -r requirements-dev.txt && make run")
    print("\nREADME.md tells the rest: tests, deployment, configuration.")


delete_what_was_not_chosen()
delete_caches()
say_what_next()
