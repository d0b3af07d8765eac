"""The recipes of the package's docs/accounts.md, followed word for word, on a site that is deployed."""

import base64
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from rehearse.platforms import PLATFORMS
from rehearse.processes import developer_environment
from tests.harness.checkouts import Checkout
from tests.harness.combinations import PACKAGE, SERVERS, for_combinations
from tests.harness.deployment import Deployment
from tests.harness.recipes import add_code
from tests.harness.site import PASSWORD, new_name

pytestmark = for_combinations(SERVERS[:1], apart="recipes")

RECIPES = PACKAGE / "src/paas/docs/accounts.md"
GOOGLE = "https://accounts.google.com/"
CREDENTIALS = {"GOOGLE_CLIENT_ID": "an-id", "GOOGLE_CLIENT_SECRET": "a-secret"}
LOG_IN, SIGN_UP = "/accounts/login/", "/accounts/signup/"
PASSWORDS = {"password1": PASSWORD, "password2": PASSWORD}
MAKE_STAFF = """
from users.models import User
User.objects.filter(email={email!r}).update(is_staff=True, is_superuser=True)
"""


def follow_recipes(owner: Checkout) -> None:
    for language, code in re.findall(r"(?ms)^```(\w+)\n(.+?)^```$", RECIPES.read_text()):
        if language == "toml":
            owner.require(code.removeprefix("# pyproject.toml\n"))
        else:
            add_code(owner, code)


def test_the_project_s_own_checks_and_tests_pass_with_all_of_them(clone):
    follow_recipes(clone)
    clone.run("make fix check test")


@pytest.fixture(scope="module")
def recipes(project, services, variables) -> Deployment:
    """The project with all recipes, released; addresses are confirmed, as by default with EMAIL_URL."""
    folder = project.checkout("recipes")
    programs = project.environment("requirements-dev.txt")
    follow_recipes(Checkout(folder, developer_environment(programs, folder)))
    services.postgres.create_database("recipes")
    platform = PLATFORMS[project.answers["platform"]](folder)
    deployment = Deployment.make(platform, services, "recipes", **variables, **CREDENTIALS)
    del deployment.environment["ACCOUNT_EMAIL_VERIFICATION"]
    return deployment


@pytest.fixture(scope="module")
def site(recipes):
    with recipes.site() as site:
        yield site


def answer_as_google(window) -> None:
    """Answer every request to GOOGLE, which Playwright's route() does not see after a redirect."""
    session = window.context.new_cdp_session(window.page)
    body = base64.b64encode(b"<title>Google</title>").decode()

    def answer(event: dict) -> None:
        answered = {"requestId": event["requestId"], "responseCode": 200, "body": body}
        session.send("Fetch.fulfillRequest", answered)

    session.on("Fetch.requestPaused", answer)
    session.send("Fetch.enable", {"patterns": [{"urlPattern": f"{GOOGLE}*"}]})


@pytest.mark.parametrize("path", [LOG_IN, SIGN_UP])
def test_a_button_leads_to_google_with_the_redirect_uri(open_window, site, path):
    window = open_window()
    answer_as_google(window)
    window.open(path)
    window.follow("Google")
    window.press("Continue")
    assert window.page.title() == "Google"
    query = parse_qs(urlsplit(window.page.url).query)
    assert window.page.url.startswith(f"{GOOGLE}o/oauth2/v2/auth?")
    assert query["client_id"] == ["an-id"]
    callback = f"https://{site.platform.host}/accounts/google/login/callback/"
    assert query["redirect_uri"] == [callback]
    assert window.browser_errors == []


@pytest.fixture
def address(visitor, mail) -> str:
    """The address of the visitor, who has signed up and confirmed it."""
    address = f"{new_name('grace')}@example.com"
    assert visitor.submit(SIGN_UP, email=address, **PASSWORDS).is_redirect
    confirm(visitor, mail, address)
    return address


def confirm(visitor, mail, address: str) -> None:
    link = mail.link(address, "/accounts/confirm-email/")
    assert visitor.submit(link).is_redirect


def test_an_account_by_email_from_sign_up_to_a_new_email_address(visitor, address, mail):
    assert visitor.log_in(address.upper()).is_redirect
    account = visitor.get("/accounts/").text
    assert address in account
    assert "/accounts/3rdparty/" in account
    assert visitor.submit("/accounts/reauthenticate/", password=PASSWORD).is_redirect
    new = f"new-{address}"
    assert visitor.submit("/accounts/email/", email=new, action_add="").is_redirect
    confirm(visitor, mail, new)
    visitor.submit("/accounts/logout/", page="/")
    assert visitor.log_in(address).status_code == 200
    assert visitor.log_in(new).is_redirect


def test_five_wrong_passwords_lock_an_email_address_out(visitor, address):
    found = [visitor.log_in(address, "wrong").status_code for _ in range(5)]
    assert found == [200, 200, 200, 200, 429]
    assert visitor.log_in(address).status_code == 429


def test_staff_enter_the_admin_by_their_email_address(visitor, address, recipes):
    recipes.run_script(MAKE_STAFF.format(email=address))
    assert visitor.log_in(address).is_redirect
    assert address in visitor.get("/admin/users/user/").text
