"""The recipes of django-paas, followed word for word in a project that is then deployed."""

import json
import signal

import pytest
from playwright.sync_api import expect
from psycopg import sql

from rehearse.platforms import PLATFORMS
from tests.harness.checkouts import Checkout
from tests.harness.combinations import SERVERS, for_combinations
from tests.harness.commands import developer_environment
from tests.harness.deployment import Deployment
from tests.harness.failures import errors, output_of_failed
from tests.harness.recipes import follow, read_recipes
from tests.harness.site import new_name
from tests.harness.sockets import close_code, get_ticket, receive_until
from tests.harness.waiting import wait_until
from tests.harness.worker import wait_for_end

RECIPES, ACCOUNTS = read_recipes("recipes.md"), read_recipes("accounts.md")
WEBHOOKS = ("A webhook", "A webhook over plain HTTP")
GREET = 'from pages.tasks import greet; greet.enqueue("Ada")'
VARIABLE = "REPORTS_DATABASE_URL"
GOOGLE = "https://accounts.google.com/"

pytestmark = for_combinations(SERVERS[:1], apart="recipes")


def test_checks_and_tests_pass_with_every_recipe(developer):
    protections = read_recipes("protections.md")
    webhooks = [protections[title] for title in WEBHOOKS]
    for section in [*RECIPES.values(), *ACCOUNTS.values(), *webhooks]:
        follow(developer, section)
    developer.run("make fix check\npython manage.py migrate")
    developer.run("python manage.py migrate --database reports\nmake test")


@pytest.fixture(scope="module")
def extended(project, services, variables) -> Deployment:
    """The deployment of an owner who followed the recipes."""
    folder = project.checkout("recipes")
    programs = project.environment("requirements-dev.txt")
    owner = Checkout(folder, developer_environment(programs, folder))
    for section in [*RECIPES.values(), ACCOUNTS["Log in with Google"]]:
        follow(owner, section)
    (folder / ".env").unlink()  # git ignores it
    for name in ("recipes", "reports"):
        services.postgres.create_database(name)
    keys = {"MAP_KEY": "a key", "GOOGLE_CLIENT_ID": "an-id", "GOOGLE_CLIENT_SECRET": "a-secret"}
    keys[VARIABLE] = services.postgres.url("reports")
    platform = PLATFORMS[project.answers["platform"]](folder)
    return Deployment.make(platform, services, "recipes", **variables, **keys)


@pytest.fixture(scope="module")
def site(extended):
    with extended.site() as site:
        yield site


def test_chat_page_shows_what_is_said(open_window):
    ada, bob = open_window(), open_window()
    for window, name in ((ada, new_name("ada")), (bob, new_name("bob"))):
        window.sign_up(name)
        window.open("/chat/")

    def is_seen() -> bool:
        # The page joins the room once its WebSocket is open.
        ada.page.get_by_role("textbox").fill("<b>bold</b>")
        ada.page.get_by_role("button", name="Send").click()
        return bool(bob.page.get_by_text("<b>bold</b>").count())

    wait_until(is_seen, "the line in the other window")
    expect(ada.page.get_by_role("log")).to_contain_text("<b>bold</b>")
    assert ada.browser_errors == bob.browser_errors == []


def test_chat_line_reaches_its_room_only(people, site):
    """One client has a cookie, the other a ticket."""
    ticket = get_ticket(people.log_in(site, "app"))
    inside = people.open(site, people.log_in(site, "cy"), path="/ws/chat/")
    outside = people.open(site, path="/ws/chat/", **ticket)
    for socket, room in ((inside, "garden"), (outside, "kitchen")):
        socket.send(json.dumps({"join": room}))
    for socket, room in ((inside, "garden"), (outside, "kitchen")):
        socket.send(json.dumps({"room": room, "say": f"Hello, {room}!"}))
        line = receive_until(socket, lambda message: message["type"] == "line")
        assert line["text"] == f"Hello, {room}!"


INVALID = ["hello", "[" * 4000, '{"join": 5}', '{"join": "attic"}', '{"say": "Hello!"}']
INVALID += ['{"room": "garden", "say": "not joined"}', '{"room": ["garden"], "say": "x"}']


def test_invalid_message_closes_the_chat(people, site):
    visitor = people.log_in(site, "cy")
    for text in INVALID:
        chat = people.open(site, visitor, path="/ws/chat/")
        chat.send(text)
        assert close_code(chat) == 4400, text
    assert "Traceback" not in site.process.output()


ENCRYPTED = """
from django.db import connections
with connections["reports"].cursor() as cursor:
    cursor.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    print("encrypted:", cursor.fetchone()[0], "in", connections["reports"].settings_dict["NAME"])
"""


def test_connections_to_a_second_database_are_encrypted(extended):
    assert "encrypted: True in reports" in extended.run_script(ENCRYPTED)


def test_release_names_the_variables_that_recipes_need(extended):
    environment = extended.environment | {"MAP_KEY": ""}
    del environment[VARIABLE]
    first, second = sorted(errors(output_of_failed("release", extended, environment)))
    assert first.startswith("DATABASES['reports'] ")
    assert second == "MAP_KEY is not set."


def test_readyz_asks_a_second_database(services, visitor):
    def allow(connections: bool) -> None:
        statement = sql.SQL("ALTER DATABASE reports ALLOW_CONNECTIONS {}").format(connections)
        with services.postgres.connect() as postgres:
            postgres.execute(statement)

    def ready(status: int) -> dict:
        wait_until(lambda: visitor.get("/readyz").status_code == status, f"{status} from /readyz")
        return visitor.get("/readyz").json()

    assert ready(200)["other databases"] == "ok"
    try:
        allow(False)
        found = ready(503)
        assert (found["database"], found["other databases"]) == ("ok", "unreachable")
    finally:
        allow(True)
    ready(200)


def test_task_without_celery_runs_in_a_worker_that_ends_at_sigterm(extended):
    extended.run_script(GREET)
    with extended.worker() as worker:
        wait_until(lambda: '"greeted"' in worker.output(), "the task")
        worker.signal(signal.SIGTERM)
        wait_for_end(worker)
    events = [json.loads(line) for line in worker.output().splitlines()]
    assert [event["name"] for event in events if event["event"] == "greeted"] == ["Ada"]


def test_button_leads_to_google_with_the_redirect_uri(open_window, site):
    window = open_window()
    url, query = window.log_in_at("Google", GOOGLE)
    assert url.startswith(f"{GOOGLE}o/oauth2/v2/auth?")
    assert query["client_id"] == ["an-id"]
    callback = f"https://{site.platform.host}/accounts/google/login/callback/"
    assert query["redirect_uri"] == [callback]
    assert window.browser_errors == []
