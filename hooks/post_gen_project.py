"""Delete the files that belong to other answers, then print the next steps."""

import json
import shutil
import sys
from pathlib import Path

ANSWERS = json.loads(r"""{{ cookiecutter | tojson }}""")

# A file stays if the answer beside it was given. This is the only place that knows.
ONLY_FOR = {
    ("platform", "heroku"): ["Procfile", "app.json", "tests/test_procfile.py"],
    ("platform", "digitalocean"): [".do", "tests/test_app_spec.py"],
    ("__interface", "asgi"): [
        "config/asgi.py",
        "config/drain.py",
        "config/handler.py",
        "config/request_body.py",
        "config/streaming.py",
        "config/threads.py",
        "config/websockets.py",
        "presence",
        "static/presence.css",
        "static/presence.js",
        "templates/presence",
        "tests/test_asgi.py",
        "tests/test_handler.py",
        "tests/test_presence.py",
    ],
    ("__interface", "wsgi"): ["config/wsgi.py"],
    ("__app_server", "gunicorn"): ["gunicorn.conf.py"],
    ("server", "asgi-daphne"): ["config/daphne.py", "config/daphne_channel.py"],
    ("server", "asgi-gunicorn"): ["config/asgi_worker.py"],
    ("server", "wsgi-gunicorn"): [
        "config/request_buffer.py",
        "config/response_buffer.py",
        "config/wsgi_worker.py",
        "tests/test_wsgi_worker.py",
    ],
    ("server", "wsgi-waitress"): [
        "config/waitress.py",
        "config/waitress_channel.py",
        "tests/test_waitress_channel.py",
    ],
    ("__redis", "yes"): ["config/redis.py", "tests/test_redis.py"],
    ("use_celery", True): [
        "config/celery.py",
        "config/lost_tasks.py",
        "config/mail.py",
        "config/management",
        "config/migrations",
        "config/models.py",
        "config/task_log.py",
        "templates/welcome",
        "tests/test_lost_tasks.py",
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
CACHES = {"__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"}


def delete_unselected_files():
    for (name, value), paths in ONLY_FOR.items():
        if ANSWERS[name] != value:
            for path in map(Path, paths):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def delete_caches():
    for name in CACHES:
        for folder in list(Path().rglob(name)):
            shutil.rmtree(folder)


def print_next_steps():
    # A console that lacks a letter of the name must not fail the bake, which deletes the project.
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    print(f"\n{ANSWERS['project_name']} is in {ANSWERS['project_slug']}. Next:\n")
    print(f"    cd {ANSWERS['project_slug']}")
    print("    python3 -m venv .venv && . .venv/bin/activate")
    print("    pip install -r requirements-dev.txt && make run")
    print("\nREADME.md explains tests, deployment and configuration.")


delete_unselected_files()
delete_caches()
print_next_steps()
