"""Delete the files that belong to other answers, then print the next steps."""

import json
import shutil
import sys
from pathlib import Path

ANSWERS = json.loads(r"""{{ cookiecutter | tojson }}""")

# A file stays if the answer beside it was given. This is the only place that knows.
ONLY_FOR = {
    ("platform", "heroku"): [
        "Procfile",
        "app.json",
        "paas/heroku.py",
        "paas/tests/test_procfile.py",
    ],
    ("platform", "digitalocean"): [
        ".do",
        "paas/digitalocean.py",
        "paas/tests/test_app_spec.py",
    ],
    ("__interface", "asgi"): [
        "config/asgi.py",
        "paas/asgi",
        "paas/management/commands/runserver.py",
        "paas/tests/sockets.py",
        "paas/tests/test_asgi.py",
        "paas/tests/test_consumers.py",
        "paas/tests/test_handler.py",
        "presence",
        "static/presence.css",
        "static/presence.js",
        "templates/presence",
        "tests/test_presence.py",
    ],
    ("__interface", "wsgi"): ["config/wsgi.py"],
    ("__app_server", "gunicorn"): ["gunicorn.conf.py", "paas/servers/gunicorn.py"],
    ("server", "asgi-daphne"): ["paas/servers/daphne.py", "paas/servers/daphne_channel.py"],
    ("server", "asgi-gunicorn"): ["paas/servers/gunicorn_asgi.py"],
    ("server", "wsgi-gunicorn"): [
        "paas/servers/gunicorn_wsgi.py",
        "paas/servers/request_buffer.py",
        "paas/servers/response_buffer.py",
        "paas/tests/test_wsgi_worker.py",
    ],
    ("server", "wsgi-waitress"): [
        "paas/servers/waitress.py",
        "paas/servers/waitress_channel.py",
        "paas/tests/test_waitress_channel.py",
    ],
    ("use_celery", True): [
        "config/celery.py",
        "paas/celery.py",
        "paas/lost_tasks.py",
        "paas/mail.py",
        "paas/mail_checks.py",
        "paas/management/commands/run_task_again.py",
        "paas/migrations",
        "paas/models.py",
        "paas/task_log.py",
        "paas/tests/test_celery.py",
        "paas/tests/test_lost_tasks.py",
        "paas/tests/test_mail.py",
        "templates/welcome",
        "tests/test_welcome.py",
        "welcome",
    ],
    ("use_s3_media", True): [
        "paas/bucket.py",
        "paas/bucket_checks.py",
        "paas/media.py",
        "paas/tests/test_bucket.py",
        "pictures",
        "static/pictures.css",
        "templates/pictures",
        "tests/test_pictures.py",
    ],
    # After the others, as it holds their files.
    ("__redis", "yes"): [
        "paas/management",
        "paas/redis.py",
        "paas/redis_checks.py",
        "paas/tests/test_redis.py",
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
