"""The generated project's own tests and checks pass with each server."""

import json

from tests.harness.combinations import CHOICES, OPTIONS, OWN_TESTS, for_combinations, is_asgi

# Each would fail a test, or change data that is not the tests'.
DEVELOPERS_ENV = """\
DEBUG=false
DATABASE_URL=postgres://localhost:1/none
REDIS_URL=redis://localhost:1
EMAIL_URL=smtp://localhost:1
SIGN_UP=closed
STAFF_NEEDS_SECOND_FACTOR=true
SENTRY_DSN=http://key@localhost:1/1
SITE_NAME=Another name
ADMIN_PATH=elsewhere/
AWS_STORAGE_BUCKET_NAME=a-real-bucket
AWS_S3_REGION_NAME=us-east-1
AWS_ACCESS_KEY_ID=an-id
AWS_SECRET_ACCESS_KEY=a-key
AWS_S3_ENDPOINT_URL=http://localhost:1
"""

# Nothing is deployed: these may run on a worker of their own.
each_server = for_combinations(OWN_TESTS, apart="own tests")


def test_own_tests_meet_every_option_with_each_platform_and_interface():
    assert {answers["server"] for answers in OWN_TESTS} == set(CHOICES["server"])
    for option in OPTIONS:
        met = [answers for answers in OWN_TESTS if answers[option]]
        assert {answers["platform"] for answers in met} == set(CHOICES["platform"]), option
        assert {is_asgi(answers) for answers in met} == {True, False}, option


# What another value would cost.
GUNICORN_SETTINGS = {
    "keepalive": 95,  # requests, when the router uses a connection that closes
    "graceful_timeout": 25,  # requests, when the platform sends SIGKILL first
    "worker_tmp_dir": "/dev/shm",  # a worker that waits for a disk would be replaced
    "control_socket_disable": True,  # other processes could control it
}
PRINT_SETTINGS = """
import json, runpy, sys

settings = runpy.run_path("gunicorn.conf.py")
print(json.dumps({name: settings.get(name) for name in sys.argv[1:]}))
"""


@for_combinations([one for one in OWN_TESTS if one["server"] == "wsgi-gunicorn"], "own tests")
def test_gunicorn_has_the_settings_that_protect_it(clone):
    clone.write("print_settings.py", PRINT_SETTINGS)
    printed = clone.run(f"DEBUG=true python print_settings.py {' '.join(GUNICORN_SETTINGS)}")
    assert json.loads(printed) == GUNICORN_SETTINGS


@each_server
def test_its_own_tests_pass_and_read_nothing_of_the_developer_s_env(clone, report):
    clone.write(".env", DEVELOPERS_ENV)
    printed = clone.run("make test")
    report("own tests", int(printed.split(" passed")[0].split()[-1]))


@each_server
def test_its_own_checks_pass(clone):
    clone.run("make check")
