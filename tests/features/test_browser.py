"""Two people, two browser windows: the pages as Chromium shows them, through the router's TLS."""

import itertools

from playwright.sync_api import expect

from tests.harness.combinations import SERVERS, for_combinations, is_asgi
from tests.harness.recipes import BLOCK, read_recipes


@for_combinations([*filter(is_asgi, SERVERS)])
def test_presence_page_shows_logins_live(open_window, picture):
    grace, linus = open_window(), open_window()
    grace.sign_up("grace")
    expect(grace.person("grace", "online")).to_be_visible()
    expect(grace.person("linus", "online")).to_have_count(0)

    linus.sign_up("linus")
    expect(grace.person("linus", "online")).to_be_visible()
    expect(grace.page.locator("#presence-feed")).to_contain_text("linus logged in")
    expect(linus.person("grace", "online")).to_be_visible()
    picture(grace.page, "presence.png")

    linus.log_out()
    expect(grace.person("linus", "offline")).to_be_visible()
    expect(grace.page.locator("#presence-feed")).to_contain_text("linus logged out")
    assert grace.browser_errors == linus.browser_errors == []


@for_combinations([*itertools.filterfalse(is_asgi, SERVERS)])
def test_pages_log_no_error_in_the_console(open_window):
    window = open_window()
    window.sign_up("grace")
    for path in ("/", "/accounts/password/change/"):
        window.open(path)
        expect(window.main).to_be_visible()
    assert window.browser_errors == []


@for_combinations(SERVERS[:1])
def test_script_posts_with_the_csrf_cookie_as_django_documents(open_window):
    window, [(_, script)] = (
        open_window(),
        BLOCK.findall(read_recipes("recipes.md")["POST from a script"]),
    )
    window.sign_up("grace")
    window.open("/")
    window.page.evaluate(f"async () => {{ {script} }}")
    window.open("/")
    expect(window.page.get_by_role("link", name="Log in").first).to_be_visible()
