"""What importing the settings does, and what production has."""

import json

from tests.harness.combinations import OWN_TESTS, for_combinations

pytestmark = for_combinations(OWN_TESTS[:1], apart="own tests")

IMPORT_SETTINGS = """
import sys
from environs import EnvValidationError

try:
    import config.settings
except EnvValidationError as error:
    print(sorted(error.error_messages))
print([name for name in sys.modules if name.partition(".")[0] == "sentry_sdk"])
"""


def test_importing_settings_neither_exits_nor_starts_sentry(clone):
    clone.write("import_settings.py", IMPORT_SETTINGS)
    command, dsn = "python import_settings.py", "https://key@sentry.example/1"
    assert clone.run(command, SENTRY_DSN=dsn) == "[]\n"
    printed = clone.run(command, SENTRY_DSN=dsn, DEBUG="perhaps", WEB_THREADS="0")
    assert printed == "['DEBUG', 'WEB_THREADS']\n[]\n"


# By the setting: what it is in production, and what another value would cost.
PROTECTING = {
    "MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN": False,  # a passkey would work on any site's page
    "CACHES": {  # rate limits: each process would count for itself, or the oldest counts be deleted
        "default": {
            "BACKEND": "django.core.cache.backends.db.DatabaseCache",
            "LOCATION": "users_limits",
            "OPTIONS": {"MAX_ENTRIES": 20_000},
        }
    },
    "WHITENOISE_AUTOREFRESH": False,  # each request would search the disk
    "WHITENOISE_USE_FINDERS": False,
    "STATEMENT_TIMEOUT": 20,  # a query without an index would stop the site
    "DATABASE_CONNECTION_LIMIT": 20,  # the check of WEB_THREADS would pass
    "TRUSTED_PROXIES": 0,  # a client could send an address of its choice
    "MAX_QUEUED_REQUESTS": 500,  # requests would wait longer than the router does
    "FILE_UPLOAD_MAX_MEMORY_SIZE": 65536,  # slow uploads would fill the memory
    "SEND_MAIL": "paas.celery.tasks.queue_mail",  # a page would wait for the mail server
    "TASK_TIME_LIMIT": 300,  # a task that hangs would hold a process of the worker
    "WORKER_CONCURRENCY": 2,  # a worker would not fit in 512 MB
    "ACCOUNT_EMAIL_VERIFICATION": "mandatory",  # an account could have another's address
    "ACCOUNT_PREVENT_ENUMERATION": "strict",  # allauth's own sign-up form could reveal who has an account
    "ACCOUNT_SIGNUP_FIELDS": ["username*", "email*", "password1*", "password2*"],
}
# By the variable: a value that is not understood.
INVALID = {
    "MAX_BODY_SIZE": "0",
    "MAX_QUEUED_REQUESTS": "0",
    "TRUSTED_PROXIES": "-1",
    "STATEMENT_TIMEOUT": "-1",
    "WORKER_CONCURRENCY": "0",
    "SECURE_HSTS_SECONDS": "0",
    "SIGN_UP": "close",
    "ACCOUNT_EMAIL_VERIFICATION": "yes",
    "ADMIN_PATH": "//",
    "EMAIL_URL": "mail.example.com",
}
PRINT_SETTINGS = """
import json, sys
from config import settings

print(json.dumps({name: getattr(settings, name) for name in sys.argv[1:]}))
"""


def test_production_has_the_settings_that_protect_it(clone):
    clone.write("print_settings.py", PRINT_SETTINGS)
    command = f"python print_settings.py {' '.join(PROTECTING)}"
    assert json.loads(clone.run(command, EMAIL_URL="smtp://mail.example.com")) == PROTECTING


def test_each_variable_that_is_not_understood_is_named(clone):
    clone.write("import_settings.py", IMPORT_SETTINGS)
    printed = clone.run("python import_settings.py", **INVALID)
    assert printed == f"{sorted(INVALID)}\n[]\n"


PRINT_CELERY = """
import json
from config.celery import app

app.loader.import_default_modules()
periodic = sorted(each["task"] for each in app.conf.beat_schedule.values())
print(json.dumps([app.task_cls, periodic, [name in app.tasks for name in periodic]]))
"""


def test_celery_finds_lost_tasks_and_what_they_left_to_do(clone):
    clone.write("print_celery.py", PRINT_CELERY)
    task_class, periodic, found = json.loads(clone.run("python print_celery.py"))
    assert task_class == "paas.celery.lost_tasks:Task"
    assert periodic == ["paas.celery.tasks.clear_sessions", "welcome.tasks.send_missed"]
    assert found == [True, True]
