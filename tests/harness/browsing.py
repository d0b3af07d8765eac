"""Fixtures: people's browser windows, on a site behind the platform's router."""

import base64
from contextlib import ExitStack
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Locator, expect, sync_playwright

from tests.harness.chromium import launch
from tests.harness.combinations import TEMPLATE
from tests.harness.router import Router
from tests.harness.site import PASSWORD
from tests.harness.waiting import SECONDS

# Milliseconds; this bound only keeps a run from hanging.
TIMEOUT = SECONDS * 1000
expect.set_options(timeout=TIMEOUT)


def pytest_addoption(parser):
    parser.addoption("--pictures", action="store_true", help="write the pictures in docs/")


@pytest.fixture
def picture(request):
    """A function that writes a screenshot of a page to docs/, with --pictures only."""

    def take(page, name: str, **options) -> None:
        if request.config.getoption("pictures"):
            page.screenshot(path=TEMPLATE / "docs" / name, **options)

    return take


@pytest.fixture(scope="module")
def router(site, certificates):
    issued = certificates.certificate, certificates.key
    with Router(site.platform, site.port, "https", *issued) as router:
        yield router


@pytest.fixture(scope="module")
def browser(router, certificates):
    # Not for the session: Playwright keeps an event loop running, and tests of other files use
    # asyncio, which allows no second.
    with sync_playwright() as playwright:
        yield launch(playwright, router, certificates.certificate)


class Window:
    """A person's browser window; ``browser_errors`` are its script errors, console errors and warnings.

    Methods that open another page return once it has loaded and its focus no longer moves.
    """

    def __init__(self, context: BrowserContext):
        self.context, self.page = context, context.new_page()
        self.browser_errors: list[str] = []
        self.main = self.page.get_by_role("main")
        self.page.on("pageerror", lambda error: self.browser_errors.append(str(error)))
        self.page.on("console", self.note)

    def note(self, message) -> None:
        if message.type in ("error", "warning"):
            self.browser_errors.append(message.text)

    def open(self, path: str) -> None:
        self.page.goto(path)
        self.wait_for_focus()

    def leave_by(self, control: Locator) -> None:
        """Click a control that opens another page."""
        with self.page.expect_navigation():
            control.click()
        self.wait_for_focus()

    def wait_for_focus(self) -> None:
        """Wait one frame: scripts set the focus before the page has loaded, ``autofocus`` by the
        first frame after that. What is typed earlier can end up in another field.
        """
        self.page.evaluate("new Promise(requestAnimationFrame)")

    def press(self, name: str) -> None:
        """Press a button in the page's <main>, which opens another page."""
        self.leave_by(self.main.get_by_role("button", name=name, exact=True))

    def follow(self, name: str) -> None:
        self.leave_by(self.page.get_by_role("link", name=name, exact=True).first)

    def fill(self, **answers: str) -> None:
        """Fill in the fields of these names, in the page's <main>."""
        fields = {self.main.locator(f"[name={name}]"): value for name, value in answers.items()}
        for field, value in fields.items():
            field.fill(value)
        for field, value in fields.items():
            expect(field).to_have_value(value)

    def log_in_at(self, provider: str, origin: str) -> tuple[str, dict[str, list[str]]]:
        """Follow the login page's button to the provider, whose site is at ``origin``; return the address
        that it leads to, and the query of that.
        """
        self.answer_for(origin, provider)
        self.open("/accounts/login/")
        self.follow(provider)
        self.press("Continue")
        assert self.page.title() == provider
        return self.page.url, parse_qs(urlsplit(self.page.url).query)

    def answer_for(self, origin: str, title: str) -> None:
        """Answer requests to another site, which Playwright's route() does not see after a redirect."""
        session = self.context.new_cdp_session(self.page)
        body = base64.b64encode(f"<title>{title}</title>".encode()).decode()

        def answer(event: dict) -> None:
            answered = {"requestId": event["requestId"], "responseCode": 200, "body": body}
            session.send("Fetch.fulfillRequest", answered)

        session.on("Fetch.requestPaused", answer)
        session.send("Fetch.enable", {"patterns": [{"urlPattern": f"{origin}*"}]})

    def sign_up(self, name: str) -> None:
        self.open("/")
        self.follow("Create an account")
        passwords = {"password1": PASSWORD, "password2": PASSWORD}
        self.fill(username=name, email=f"{name}@example.com", **passwords)
        self.press("Sign Up")

    def log_in(self, path: str, name: str) -> None:
        self.open(path)
        self.fill(login=name, password=PASSWORD)
        self.press("Log in")

    def log_out(self) -> None:
        # A page whose WebSocket still connects when its session ends would complain.
        self.open("/")
        self.leave_by(self.page.get_by_role("button", name="Log out"))
        expect(self.page.get_by_role("link", name="Log in").first).to_be_visible()

    def expect_login(self) -> None:
        expect(self.page.get_by_role("button", name="Log out")).to_be_visible()

    def person(self, name: str, state: str) -> Locator:
        people = self.page.locator(f"#presence-people li.{state}")
        return people.filter(has=self.page.get_by_text(name, exact=True))


@pytest.fixture(scope="session")
def administrator(deployment) -> str:
    """The user name of a superuser."""
    script = f"""
from users.models import User
User.objects.create_superuser("margaret", password={PASSWORD!r})
"""
    deployment.run_script(script)
    return "margaret"


@pytest.fixture
def open_window(browser, router, site):
    """A function that opens a window with cookies of its own; ``options`` are Playwright's."""
    router.target_port = site.port
    default = {
        "base_url": f"https://{site.platform.host}",
        "ignore_https_errors": True,
        "viewport": {"width": 900, "height": 640},
    }
    with ExitStack() as stack:

        def open_one(**options) -> Window:
            context = stack.enter_context(browser.new_context(**default | options))
            context.set_default_timeout(TIMEOUT)
            return Window(context)

        yield open_one
