"""Production's settings; a variable that is missing or invalid stops each process with a sentence."""

import ast
import json
import re

import pytest

from tests.harness.combinations import OWN_TESTS, by_name, for_combinations
from tests.harness.failures import output_of_failed

one_project = for_combinations(OWN_TESTS[:1], apart="own tests")
S3 = {"ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "STORAGE_BUCKET_NAME", "S3_REGION_NAME"}
VARIABLES = {"SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL", *(f"AWS_{x}" for x in S3)}
# These need every variable.
WITH_ALL = by_name(
    "heroku-asgi-uvicorn-use_celery-use_s3_media",
    "digitalocean-asgi-uvicorn-use_celery-use_s3_media",
)


def missing_in(printed: str) -> list[str]:
    """The variables that the output reports as not set."""
    return sorted(re.findall(r"(\w+) is not set\.", printed))


def without(environment: dict[str, str], names: set[str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in names}


@for_combinations(WITH_ALL)
def test_missing_variables_stop_the_release(deployment):
    """All are missing at once, then one alone, which is then the only error."""
    for names in (VARIABLES, {"AWS_S3_REGION_NAME"}):
        printed = output_of_failed("release", deployment, without(deployment.environment, names))
        assert missing_in(printed) == sorted(names)


def test_missing_variables_stop_the_web_process(deployment):
    printed = output_of_failed("web", deployment, without(deployment.environment, VARIABLES))
    assert missing_in(printed) == sorted(VARIABLES & deployment.environment.keys())


# By the variable: a value that is not understood.
INVALID = {
    "DEBUG": "perhaps",
    "MAX_BODY_SIZE": "0",
    "MAX_QUEUED_REQUESTS": "0",
    "TRUSTED_PROXIES": "-1",
    "STATEMENT_TIMEOUT": "-1",
    "DATABASE_CONNECTION_LIMIT": "0",
    "WORKER_CONCURRENCY": "0",
    "SECURE_HSTS_SECONDS": "0",
    "SIGN_UP": "close",
    "ACCOUNT_EMAIL_VERIFICATION": "yes",
    "ADMIN_PATH": "//",
    "EMAIL_URL": "mail.example.com",
}
# Of a tool that loads the settings: without paas.startup, as pytest does, the app `paas` reports them.
LOAD_SETTINGS = """
import os
from environs import EnvValidationError
import {0}

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
try:
    {0}.{1}()
except EnvValidationError as error:
    print(sorted(error.error_messages))
"""


@one_project
@pytest.mark.parametrize("names", [("paas.startup", "seal_settings"), ("django", "setup")])
def test_invalid_variables_are_named_when_settings_are_loaded(clone, names):
    clone.write("load_settings.py", LOAD_SETTINGS.format(*names))
    assert clone.run("python load_settings.py") == ""
    assert clone.run("python load_settings.py", **INVALID) == f"{sorted(INVALID)}\n"


# What another value would cost.
PRODUCTION = {
    "MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN": False,  # a passkey would work on any site's page
    "CACHES": {  # rate limits: each process would count for itself, or the oldest counts be deleted
        "default": {
            "BACKEND": "django.core.cache.backends.db.DatabaseCache",
            "LOCATION": "cache",
            "OPTIONS": {"MAX_ENTRIES": 20_000},
        }
    },
    "STATEMENT_TIMEOUT": 20,  # a query without an index would stop the site
    "DATABASE_CONNECTION_LIMIT": 20,  # the check of WEB_THREADS would pass
    "TRUSTED_PROXIES": 0,  # a client could send an address of its choice
    "FILE_UPLOAD_MAX_MEMORY_SIZE": 65536,  # slow uploads would fill the memory
    "TASK_TIME_LIMIT": 300,  # a task that hangs would hold a process of the worker
    "ACCOUNT_EMAIL_VERIFICATION": "mandatory",  # an account could have another's address
    "ACCOUNT_PREVENT_ENUMERATION": "strict",  # sign-up could reveal who has an account
}
PRINT_SETTINGS = """
import json, sys
from config import settings

print(json.dumps({name: getattr(settings, name) for name in sys.argv[1:]}))
"""


@one_project
def test_production_has_safe_settings(clone):
    clone.write("print_settings.py", PRINT_SETTINGS)
    command = f"python print_settings.py {' '.join(PRODUCTION)}"
    assert json.loads(clone.run(command, EMAIL_URL="smtp://mail.example.com")) == PRODUCTION


PRINT_PERIODIC = """
from config.celery import app

app.loader.import_default_modules()
print({each["task"]: each["task"] in app.tasks for each in app.conf.beat_schedule.values()})
"""


@one_project
def test_periodic_tasks_exist(clone):
    clone.write("print_periodic.py", PRINT_PERIODIC)
    tasks = {"paas.celery.tasks.clear_sessions": True, "welcome.tasks.send_missed": True}
    assert ast.literal_eval(clone.run("python print_periodic.py").splitlines()[-1]) == tasks
