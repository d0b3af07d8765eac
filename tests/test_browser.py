"""Two people, two browser windows: the pages as Chromium shows them, through the router's TLS."""

import os
import shutil
from contextlib import ExitStack

import pytest
from combinations import COMBINATIONS, TEMPLATE, name_of
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright
from rehearsal.router import Router
from rehearsal.site import Site

PASSWORD = "a long enough passphrase"
ASGI = [answers for answers in COMBINATIONS if answers["server"].startswith("asgi")]
WSGI = [answers for answers in COMBINATIONS if answers["server"].startswith("wsgi")]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Chromium's own traffic, of which there must be none, and its sandbox, which root has not.
ARGUMENTS = """
    --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync
"""


@pytest.fixture
def site(deployment):
    """A site of its own, to be killed."""
    platform, environment, _ = deployment
    with Site(platform, environment) as site:
        yield site


@pytest.fixture
def router(site, certificates):
    with Router(site.port, certificates.certificate, certificates.key) as router:
        yield router


@pytest.fixture
def browser(site, router):
    # Not for the session: Playwright keeps an event loop running, and asyncio allows no second.
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        if os.environ.get("CI"):
            pytest.fail(f"CI needs a browser: one of {', '.join(BROWSERS)}.")
        pytest.skip(f"There is no browser here: install one of {', '.join(BROWSERS)}.")
    rule = f"MAP {site.platform.host}:443 127.0.0.1:{router.port}"
    with sync_playwright() as playwright:
        arguments = [*ARGUMENTS.split(), f"--host-resolver-rules={rule}"]
        yield playwright.chromium.launch(executable_path=program, args=arguments)


class Window:
    """A person's browser window; ``complaints`` are what went wrong in it."""

    def __init__(self, context: BrowserContext, home: str):
        self.context, self.home, self.complaints = context, home, []
        self.page: Page = context.new_page()
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self.note)

    def note(self, message) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def sign_up(self, name: str) -> None:
        self.page.goto(f"{self.home}/")
        self.page.get_by_role("link", name="Create an account").click()
        self.page.get_by_label("Username").fill(name)
        self.page.get_by_label("Email address").fill(f"{name}@example.com")
        self.page.get_by_label("Password:", exact=True).fill(PASSWORD)
        self.page.get_by_label("Password confirmation").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign up").click()
        expect(self.page.get_by_role("button", name="Log out")).to_be_visible()

    def person(self, name: str, state: str):
        return self.page.locator(f"#presence-people li.{state}", has_text=name)


@pytest.fixture
def open_window(browser, site):
    """Open a window of someone else's."""
    with ExitStack() as stack:

        def open_one() -> Window:
            context = browser.new_context(
                ignore_https_errors=True, viewport={"width": 900, "height": 640}
            )
            stack.callback(context.close)
            return Window(context, f"https://{site.platform.host}")

        yield open_one


@pytest.fixture
def picture(request):
    """Keep a screenshot in docs/, if asked to."""

    def take(page: Page, name: str) -> None:
        if request.config.getoption("pictures"):
            page.screenshot(path=TEMPLATE / "docs" / name)

    return take


@pytest.mark.parametrize("project", ASGI, ids=name_of, indirect=True, scope="session")
def test_one_logs_in_and_the_other_sees_it_also_after_a_restart(
    open_window, site, router, deployment, picture
):
    grace, linus = open_window(), open_window()
    grace.sign_up("grace")
    expect(grace.person("grace", "online")).to_be_visible()
    expect(grace.person("linus", "online")).to_have_count(0)

    linus.sign_up("linus")
    expect(grace.person("linus", "online")).to_be_visible()
    expect(grace.page.locator("#presence-feed")).to_contain_text("linus logged in")
    expect(linus.person("grace", "online")).to_be_visible()
    picture(grace.page, "presence.png")

    linus.page.get_by_role("button", name="Log out").click()
    expect(grace.person("linus", "offline")).to_be_visible()
    expect(grace.page.locator("#presence-feed")).to_contain_text("linus logged out")
    assert grace.complaints == linus.complaints == []

    platform, environment, _ = deployment
    site.process.kill()
    expect(grace.page.locator("#presence-state")).to_have_text("Connecting again…")
    with Site(platform, environment) as restarted:
        router.target_port = restarted.port
        expect(grace.page.locator("#presence-state")).to_have_text("", timeout=30_000)
        linus.page.goto(f"{linus.home}/accounts/login/")
        linus.page.get_by_label("Username").fill("linus")
        linus.page.get_by_label("Password").fill(PASSWORD)
        linus.page.get_by_role("main").get_by_role("button", name="Log in").click()
        expect(grace.person("linus", "online")).to_be_visible()
        expect(linus.person("grace", "online")).to_be_visible()
    while_it_was_away = ("WebSocket connection to", "Failed to load resource: the server responded")
    assert [text for text in grace.complaints if not text.startswith(while_it_was_away)] == []


@pytest.mark.parametrize("project", WSGI, ids=name_of, indirect=True, scope="session")
def test_pages_and_admin_work_without_a_complaint(open_window, site):
    window = open_window()
    window.sign_up("grace")
    for path in ("/", "/accounts/password/", "/admin/login/"):
        window.page.goto(f"{window.home}{path}")
        expect(window.page.get_by_role("main")).to_be_visible()
    assert window.complaints == []
