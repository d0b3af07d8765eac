"""Two people, two browser windows: the pages as Chromium shows them, through the router's TLS."""

import itertools
import re

import pytest
from playwright.sync_api import Page, ViewportSize, expect, sync_playwright

from rehearsal.browsing import Window
from rehearsal.chromium import launch
from rehearsal.combinations import SERVERS, TEMPLATE, for_combinations, is_asgi
from rehearsal.processes import bare_environment, run
from rehearsal.services import free_port
from rehearsal.site import PASSWORD, serve


@pytest.fixture
def site(deployment):
    """A site of its own, to be killed."""
    with deployment.site() as site:
        yield site


@pytest.fixture
def picture(request):
    """Keep a screenshot in docs/, if asked to."""

    def take(page: Page, name: str, full_page: bool = False) -> None:
        if request.config.getoption("pictures"):
            page.screenshot(path=TEMPLATE / "docs" / name, full_page=full_page)

    return take


@for_combinations([*filter(is_asgi, SERVERS)])
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

    site.process.kill()
    expect(grace.page.locator("#presence-state")).to_have_text("Connecting again…")
    with deployment.site() as restarted:
        router.target_port = restarted.port
        expect(grace.page.locator("#presence-state")).to_have_text("", timeout=30_000)
        linus.log_in("/accounts/login/", "linus")
        expect(grace.person("linus", "online")).to_be_visible()
        expect(linus.person("grace", "online")).to_be_visible()
    while_it_was_away = ("WebSocket connection to", "Failed to load resource: the server responded")
    assert [text for text in grace.complaints if not text.startswith(while_it_was_away)] == []


@for_combinations([*filter(is_asgi, SERVERS)])
def test_a_live_page_reconnects_after_a_new_password_and_stops_at_logout(open_window):
    window = open_window()
    window.sign_up("radia")
    state = window.page.locator("#presence-state")
    expect(window.person("radia", "online")).to_be_visible()
    other = window.context.new_page()
    other.goto(f"{window.home}/accounts/password/change/")
    other.get_by_label("Current Password").fill(PASSWORD)
    other.get_by_label("New Password:", exact=True).fill(f"{PASSWORD} 2")
    other.get_by_label("New Password (again)").fill(f"{PASSWORD} 2")
    # The session has a new key, and the next beat closes the sockets of the old one.
    with window.page.expect_event("websocket", timeout=30_000):
        other.get_by_role("main").get_by_role("button").click()
    expect(state).to_have_text("")
    expect(window.person("radia", "online")).to_be_visible()
    assert window.complaints == []

    other.get_by_role("button", name="Log out").click()
    expect(state).to_have_text("You are logged out.")


@for_combinations([*itertools.filterfalse(is_asgi, SERVERS)])
def test_pages_work_without_a_complaint(open_window):
    window = open_window()
    window.sign_up("grace")
    for path in ("/", "/accounts/password/change/"):
        window.page.goto(f"{window.home}{path}")
        expect(window.page.get_by_role("main")).to_be_visible()
    assert window.complaints == []


@for_combinations(SERVERS)
def test_the_admin_works_without_a_complaint(open_window, administrator):
    window = open_window()
    page = window.page
    window.log_in("/admin/", administrator)
    page.get_by_role("row", name="Users Add").get_by_role("link", name="Add").click()
    # Until it has loaded: the admin's change_form.js, which is async, then focuses the first field.
    page.wait_for_url("**/add/")
    form = page.get_by_role("main")
    form.get_by_label("Username:").fill("hedy")
    for label in ("Password:", "Password confirmation:"):
        form.get_by_label(label, exact=True).fill(PASSWORD)
    form.get_by_role("button", name="Save and continue editing").click()
    expect(page.get_by_text("was added successfully")).to_be_visible()

    # Widgets that scripts make: a calendar, a clock, two lists side by side.
    joined = form.get_by_role("group", name="Date joined:")
    joined.get_by_role("button", name="Choose a Date").click()
    page.locator(".calendarbox").filter(visible=True).get_by_text("1", exact=True).first.click()
    expect(joined.get_by_label("Date:")).to_have_value(re.compile("-01$"))
    joined.get_by_role("button", name="Choose a Time").click()
    page.locator(".clockbox").filter(visible=True).get_by_text("Noon").click()
    expect(joined.get_by_label("Time:")).to_have_value("12:00:00")
    form.get_by_role("option", name="Users | user | Can view user").dblclick()
    chosen = form.get_by_role("listbox", name="Chosen user permissions")
    expect(chosen.get_by_role("option")).to_have_count(1)
    form.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()

    form.locator("#result_list").get_by_role("link", name="hedy").click()
    form.get_by_role("button", name="Delete").click()
    form.get_by_role("button", name="Yes, I’m sure").click()
    expect(page.get_by_text("was deleted successfully")).to_be_visible()
    assert window.complaints == []


@for_combinations(SERVERS[-1:])
def test_a_site_s_name_is_read_from_the_side_it_is_written_from(open_window):
    window = open_window()
    window.page.goto(f"{window.home}/")
    for place in ("title", ".brand", "h1"):
        element = window.page.locator(place)
        expect(element).to_have_css("direction", "ltr")
        element.evaluate("element => element.textContent = 'حجز المواعيد!'")
        expect(element).to_have_css("direction", "rtl")


@pytest.fixture
def development(project, tmp_path):
    """The address of a new project in development, as `make run` starts it."""
    folder = project.checkout(tmp_path.name)
    environment = bare_environment(project.environment("requirements-dev.txt"), folder)
    run("cp .env.example .env && python manage.py migrate", folder, environment)
    address = f"localhost:{free_port()}"
    command = f"python manage.py runserver --noreload {address}"
    with serve(command, address, folder, environment) as url:
        yield url


@for_combinations(SERVERS[:1])
def test_the_next_steps_in_development_fit_a_phone_in_light_and_in_dark(development, picture):
    with sync_playwright() as playwright, launch(playwright, {}) as browser:
        for scheme, width in itertools.product(("dark", "light"), (320, 900)):
            size: ViewportSize = {"width": width, "height": 640}
            context = browser.new_context(
                color_scheme="dark" if scheme == "dark" else "light", viewport=size
            )
            window = Window(context, development)
            page = window.page
            page.goto(f"{development}/")
            steps = page.get_by_role("main").get_by_role("listitem")
            expect(steps).to_contain_text(["Edit this page", "Add an app", "Deploy to Heroku"])
            for number in range(3):
                expect(steps.nth(number).get_by_role("link").first).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") == width
            ground = {"dark": "rgb(29, 33, 40)", "light": "rgb(255, 255, 255)"}[scheme]
            expect(steps.first).to_have_css("background-color", ground)
            assert window.complaints == []
        picture(page, "home.png", full_page=True)
