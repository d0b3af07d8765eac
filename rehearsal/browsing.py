"""Fixtures: a site behind the platform's router, and people's browser windows."""

from contextlib import ExitStack

import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from rehearsal.chromium import launch
from rehearsal.router import Router
from rehearsal.site import PASSWORD

# Milliseconds. By default 5,000, which a page has taken beside other tests.
expect.set_options(timeout=15_000)


@pytest.fixture
def router(site, certificates):
    files = (certificates.certificate, certificates.key)
    with Router(site.platform, site.port, "https", *files) as router:
        yield router


@pytest.fixture
def browser(site, router, certificates):
    # Not for the session: Playwright keeps an event loop running, and asyncio allows no second.
    with sync_playwright() as playwright:
        yield launch(playwright, {site.platform.host: router.port}, certificates.certificate)


class Window:
    """A person's browser window; ``complaints`` are what went wrong in it."""

    def __init__(self, context: BrowserContext, home: str):
        self.context, self.home = context, home
        self.complaints: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self.note)

    def note(self, message) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def open(self, path: str) -> None:
        self.page.goto(f"{self.home}{path}")

    def fill(self, **answers: str) -> None:
        """Fill in the fields of these names, in the page's own part."""
        for name, value in answers.items():
            self.page.get_by_role("main").locator(f"[name={name}]").fill(value)

    def press(self, name: str) -> None:
        main = self.page.get_by_role("main")
        main.get_by_role("button", name=name, exact=True).click()

    def sign_up(self, name: str) -> None:
        self.open("/")
        self.page.get_by_role("link", name="Create an account").click()
        passwords = {"password1": PASSWORD, "password2": PASSWORD}
        self.fill(username=name, email=f"{name}@example.com", **passwords)
        self.press("Sign Up")
        expect(self.page.get_by_role("button", name="Sign Up", exact=True)).to_have_count(0)

    def log_in(self, path: str, name: str) -> None:
        self.open(path)
        self.fill(login=name, password=PASSWORD)
        self.press("Log in")

    def log_out(self) -> None:
        self.page.get_by_role("button", name="Log out").click()
        expect(self.page.get_by_role("link", name="Log in").first).to_be_visible()

    def person(self, name: str, state: str):
        return self.page.locator(f"#presence-people li.{state}", has_text=name)


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
def open_window(browser, site):
    """Open a window of someone else's."""
    with ExitStack() as stack:

        def open_one(**options) -> Window:
            context = browser.new_context(
                ignore_https_errors=True, viewport={"width": 900, "height": 640}, **options
            )
            stack.callback(context.close)
            return Window(context, f"https://{site.platform.host}")

        yield open_one
