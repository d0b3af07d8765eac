"""Delete the files that belong to other answers, then say what to type next.

Whoever bakes waits for this, so it imports little: json, pathlib and shutil take longer than the rest.
"""

import os
import sys

# They have passed pre_gen_project.py, so none ends a string. Cookiecutter's own "_template" has not.
ANSWERS = {
    # <% for name, value in cookiecutter.items() if name[0] != "_" or name[:2] == "__" %>
    "{{ name }}": "{{ value }}",
    # <% endfor %>
}

# A file stays if the answer beside it was given. This is the only place that knows.
ONLY_FOR = {
    ("platform", "heroku"): ["Procfile", "app.json"],
    ("platform", "digitalocean"): [".do"],
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
    ("use_celery", "True"): [
        "config/celery.py",
        "config/mail.py",
        "config/task_log.py",
        "templates/welcome",
        "tests/test_tasks.py",
        "welcome",
    ],
    ("use_s3_media", "True"): [
        "pictures",
        "static/pictures.css",
        "templates/pictures",
        "tests/test_pictures.py",
    ],
}
# What tools leave behind in the template's own folder when its code is checked in place.
CACHES = {"__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"}


def delete(path):
    """Delete a file, or a folder with all that is in it."""
    for folder, folders, files in os.walk(path, topdown=False):
        for name in files:
            os.remove(f"{folder}/{name}")
        for name in folders:
            os.rmdir(f"{folder}/{name}")
    (os.rmdir if os.path.isdir(path) else os.remove)(path)


def delete_what_was_not_chosen():
    for (name, value), paths in ONLY_FOR.items():
        if ANSWERS[name] != value:
            for path in paths:
                delete(path)


def delete_caches():
    for folder, folders, _ in os.walk("."):
        for name in CACHES.intersection(folders):
            folders.remove(name)
            delete(f"{folder}/{name}")


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
