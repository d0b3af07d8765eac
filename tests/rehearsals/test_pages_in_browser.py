"""What Chromium shows of pages that reconnect, of the admin, and of a new project."""

import itertools
import re
import signal

import pytest
from playwright.sync_api import expect

from rehearse.services import free_port
from tests.harness.browsing import Window
from tests.harness.combinations import SERVERS, for_combinations, is_asgi
from tests.harness.site import PASSWORD, new_name, serve

WHILE_UNAVAILABLE = ("WebSocket connection to", "Failed to load resource: the server responded")
BACKGROUNDS = {"dark": "rgb(29, 33, 40)", "light": "rgb(255, 255, 255)"}
# Pages and static files are the same on every server.
one_server = for_combinations(SERVERS[:1], apart="accounts")


@for_combinations([*filter(is_asgi, SERVERS)], apart="accounts")
def test_page_reconnects_after_sigterm_a_crash_and_a_new_password_until_logout(
    open_window, deployment, router, site
):
    window, name = open_window(), new_name("radia")
    state, person = window.page.locator("#presence-state"), window.person(name, "online")
    with deployment.site() as doomed:
        router.target_port = doomed.port
        window.sign_up(name)
        expect(person).to_be_visible()
        doomed.process.kill()
        expect(state).to_have_text("Connecting again…")
    with deployment.site() as stopping:
        router.target_port = stopping.port
        expect(state).to_have_text("")
        router.target_port = site.port
        with window.page.expect_websocket():
            stopping.process.signal(signal.SIGTERM)
    expect(state).to_have_text("")
    expect(person).to_be_visible()

    other, new = Window(window.context), f"{PASSWORD} 2"
    other.open("/accounts/password/change/")
    other.fill(oldpassword=PASSWORD, password1=new, password2=new)
    # The session has a new key, and the next heartbeat closes the sockets of the old one.
    with window.page.expect_event("websocket"):
        other.press("Change Password")
    expect(state).to_have_text("")
    expect(person).to_be_visible()
    assert [text for text in window.browser_errors if not text.startswith(WHILE_UNAVAILABLE)] == []
    assert other.browser_errors == []

    other.log_out()
    expect(state).to_have_text("You are logged out.")


@one_server
def test_admin_logs_no_error_in_the_console(open_window, administrator):
    window = open_window()
    page, form, name = window.page, window.main, new_name("hedy")
    window.log_in("/admin/", administrator)
    window.leave_by(page.get_by_role("row", name="Users Add").get_by_role("link", name="Add"))
    window.fill(username=name, password1=PASSWORD, password2=PASSWORD)
    window.press("Save and continue editing")
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
    window.press("Save")
    expect(page.get_by_text("was changed successfully")).to_be_visible()

    assert window.browser_errors == []


@one_server
def test_arabic_site_name_is_shown_from_right_to_left(open_window):
    window = open_window()
    window.open("/")
    for place in ("title", ".brand", "h1"):
        element = window.page.locator(place)
        expect(element).to_have_css("direction", "ltr")
        element.evaluate("element => element.textContent = 'حجز المواعيد!'")
        expect(element).to_have_css("direction", "rtl")


@pytest.fixture
def development(developer):
    """The address of a new project in development, as `make run` starts it."""
    developer.run("python manage.py migrate")
    address = f"localhost:{free_port()}"
    command = f"python manage.py runserver --noreload {address}"
    with serve(command, address, developer.folder, developer.environment) as url:
        yield url


@one_server
def test_home_of_development_fits_a_phone_in_light_and_in_dark(development, open_window, picture):
    for scheme, width in itertools.product(BACKGROUNDS, (320, 900)):
        size = {"width": width, "height": 640}
        window = open_window(base_url=development, color_scheme=scheme, viewport=size)
        window.open("/")
        card = window.main.get_by_role("paragraph").filter(has_text="startapp")
        assert window.page.evaluate("document.documentElement.scrollWidth") == width
        expect(card).to_have_css("background-color", BACKGROUNDS[scheme])
        link = window.page.get_by_role("navigation").get_by_role("link", name="Log in")
        if width == 320:
            expect(link).to_be_hidden()
            window.page.get_by_role("button", name="Menu").click()
        expect(link).to_be_visible()
        assert window.browser_errors == []
    picture(window.page, "home.png", full_page=True)
