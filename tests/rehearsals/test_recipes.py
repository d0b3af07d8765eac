"""The recipes of the package's docs/recipes.md, followed word for word on real servers."""

import json
import re
import secrets
import shutil
import socket

import pytest
import yaml
from playwright.sync_api import expect
from psycopg import sql

from tests.harness.checkouts import Checkout
from tests.harness.combinations import SERVERS, for_combinations, is_asgi
from tests.harness.deployment import Deployment
from tests.harness.failures import errors, output_of_failed
from tests.harness.recipes import TICKETS, follow, read_recipes
from tests.harness.site import new_name
from tests.harness.sockets import close_code, get_ticket, receive_until
from tests.harness.waiting import wait_until

CHAT, CHECK, DATABASE = "A chat", "A deploy check", "A second database"
RECIPES = read_recipes("recipes.md")
VARIABLE = "REPORTS_DATABASE_URL"

pytestmark = for_combinations([*filter(is_asgi, SERVERS)], apart="recipes")


@pytest.fixture(scope="module")
def reports(services) -> str:
    """The URL of a second database."""
    services.postgres.create_database("reports")
    return services.postgres.url("reports")


@pytest.fixture(scope="module")
def extended(deployment, reports, tmp_path_factory) -> Deployment:
    """A deployment whose owner followed the recipes."""
    ignored = shutil.ignore_patterns(".heroku", "__pycache__")
    folder = tmp_path_factory.mktemp("recipes") / "my_site"
    shutil.copytree(deployment.platform.folder, folder, ignore=ignored)
    for title in (CHAT, CHECK, DATABASE):  # the tickets are the deployment's own
        follow(Checkout(folder, {}), RECIPES[title])
    (folder / ".env").unlink()  # git ignores it
    platform = type(deployment.platform)(folder)
    platform.programs = deployment.platform.programs
    variables = {VARIABLE: reports, "MAP_KEY": "a key"}
    extended = Deployment(platform, deployment.environment | variables, "")
    extended.run("python manage.py collectstatic --noinput", platform.build_environment())
    return extended


@pytest.fixture(scope="module")
def site(extended):
    with extended.site() as site:
        yield site


def test_a_project_with_every_recipe_passes_its_checks_and_tests(developer):
    assert set(RECIPES) == {CHAT, CHECK, TICKETS, DATABASE}
    for section in RECIPES.values():
        follow(developer, section)
    assert f"{VARIABLE}=" in developer.read(".env")
    developer.run(
        "make fix check\npython manage.py migrate\npython manage.py migrate --database reports"
    )
    assert " passed" in developer.run("make test")
    # The release of CI, where there is no .env.
    workflow = yaml.safe_load(developer.read(".github/workflows/ci.yml"))
    variables = workflow["jobs"]["test"]["steps"][-1]["env"]
    variables |= {"ENV_FILE": "none", "SECRET_KEY": secrets.token_urlsafe(50)}
    developer.run("python manage.py check --deploy --fail-level WARNING", **variables)


def test_people_in_a_room_see_what_is_said_there(open_window):
    ada, bob = open_window(), open_window()
    for window, name in ((ada, new_name("ada")), (bob, new_name("bob"))):
        window.sign_up(name)
        window.open("/chat/")
    # The page joins the room once its WebSocket is open.
    for text in ("Hello!", "<b>bold</b>"):

        def is_seen(text=text) -> bool:
            ada.page.get_by_role("textbox").fill(text)
            ada.page.get_by_role("button", name="Send").click()
            return bool(bob.page.get_by_text(text).count())

        wait_until(is_seen, "the line in the other window")
    expect(ada.page.get_by_role("log")).to_contain_text("<b>bold</b>")
    assert ada.browser_errors == bob.browser_errors == []


def open_chat(people, site, **options):
    return people.open(site, people.log_in(site, "cy"), path="/ws/chat/", **options)


def say(socket, **message) -> None:
    socket.send(json.dumps(message))


def test_a_room_is_joined_at_run_time(people, site):
    consumer = site.platform.folder / "pages/consumers.py"
    assert len(consumer.read_text().splitlines()) < 25
    inside, outside = open_chat(people, site), open_chat(people, site)
    say(inside, join="garden")
    say(outside, join="kitchen")
    say(inside, room="garden", say="Hello!")
    assert receive_until(inside, lambda message: message["type"] == "line")["text"] == "Hello!"
    say(outside, room="kitchen", say="Nobody here?")
    assert (
        receive_until(outside, lambda message: message["type"] == "line")["text"] == "Nobody here?"
    )


WRONG_SHAPES = [
    *["", "hello", "[]", "5", "null", "NaN", '"garden"', "{}", "[" * 4000],
    *['{"join": 5}', '{"join": ["garden"]}', '{"join": null}', '{"join": "attic"}'],
    *['{"join": "a room"}', '{"say": "Hello!"}', '{"room": "garden", "say": "not joined"}'],
    *['{"room": ["garden"], "say": "x"}', '{"room": {}, "say": {}}', '{"room": 1}'],
]
AFTER_JOINING = ['{"room": "garden", "say": 5}', '{"room": "garden", "say": ""}']
AFTER_JOINING += ['{"room": "garden", "say": "\\ud83d"}', '{"room": "garden"}']


def test_a_message_of_another_shape_closes_the_chat_without_a_traceback(people, site):
    visitor = people.log_in(site, "cy")
    before = len(site.process.events())
    for text in [*WRONG_SHAPES, *AFTER_JOINING]:
        chat = people.open(site, visitor, path="/ws/chat/")
        if text in AFTER_JOINING:
            say(chat, join="garden")
        chat.send(text)
        assert close_code(chat) == 4400, text

    def closed() -> list[dict]:
        found = site.process.events()[before:]
        return [event for event in found if event["event"] == "socket closed"]

    count = len(WRONG_SHAPES + AFTER_JOINING)
    wait_until(lambda: len(closed()) == count, "the log lines")
    assert {line["reason"] for line in closed()} == {"the message is not allowed"}
    assert "Traceback" not in site.process.output()
    assert {event["level"] for event in site.process.events()[before:]} == {"info"}


def test_a_ticket_opens_the_chat_without_a_cookie(people, site):
    chat = people.open(site, path="/ws/chat/", **get_ticket(people.log_in(site, "app")))
    say(chat, join="garden")
    say(chat, room="garden", say="Hello!")
    assert receive_until(chat, lambda message: message["type"] == "line")["name"].startswith("app")


ENCRYPTED = """
from django.db import connections
with connections["reports"].cursor() as cursor:
    cursor.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    print("encrypted:", cursor.fetchone()[0], "in", connections["reports"].settings_dict["NAME"])
"""
CONNECT = """
import time
from django.db import OperationalError, connections
began = time.monotonic()
try:
    connections["reports"].ensure_connection()
except OperationalError:
    print("seconds:", time.monotonic() - began)
"""


def test_connections_to_a_second_database_are_encrypted(extended):
    assert "encrypted: True in reports" in extended.run_script(ENCRYPTED)


def test_a_second_database_that_does_not_answer_is_given_up_in_seconds(extended, report):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgres://ada:secret@127.0.0.1:{silent.getsockname()[1]}/reports"
        printed = extended.run_script(CONNECT, **{VARIABLE: url})
    seconds = float(printed.partition("seconds: ")[2])
    report("second database given up s", round(seconds))
    assert seconds < 15


def test_a_second_database_without_its_variable_or_tls_stops_the_release(extended, reports):
    environment = dict(extended.environment)
    del environment[VARIABLE]
    printed = output_of_failed("release", extended, environment)
    assert "DATABASES['reports'] has no URL: set its environment variable." in printed
    environment[VARIABLE] = "postgres://ada:secret@db.example.com/reports?sslmode=disable"
    printed = output_of_failed("release", extended, environment)
    assert "The URL of DATABASES['reports'] must set sslmode=require" in printed
    extended.run(extended.platform.command("release"))


def test_a_deploy_check_of_one_s_own_stops_the_release(extended):
    printed = output_of_failed("release", extended, extended.environment | {"MAP_KEY": ""})
    assert errors(printed) == ["MAP_KEY is not set."]
    assert re.search(r"HINT: .*MAP_KEY", printed)


def test_readyz_asks_a_second_database_and_the_log_has_its_connections(services, site, visitor):
    def allow(connections: bool) -> None:
        statement = sql.SQL("ALTER DATABASE reports ALLOW_CONNECTIONS {}").format(connections)
        with services.postgres.connect() as postgres:
            postgres.execute(statement)

    def ready(status: int) -> dict:
        wait_until(lambda: visitor.get("/readyz").status_code == status, f"{status} from /readyz")
        return visitor.get("/readyz").json()

    def started() -> set[str]:
        lines = [each for each in site.process.events() if each["event"] == "database connections"]
        return {line["database"] for line in lines if line["limit"] > line["in_use"] > 0}

    assert ready(200)["other databases"] == "ok"
    wait_until(lambda: started() == {"default", "reports"}, "both databases in the log")
    try:
        allow(False)
        found = ready(503)
        assert (found["database"], found["other databases"]) == ("ok", "unreachable")
    finally:
        allow(True)
    ready(200)
