"""Accounts in Chromium: mail from a real server, a second factor, passkeys; axe on every page.

The pages are the same on every server, whose requests tests/features/test_accounts.py sends.
"""

import base64
import hmac
import struct
import time
from dataclasses import replace

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import expect

from tests.harness.bucket import PICTURE
from tests.harness.combinations import TEMPLATE, by_name, for_combinations
from tests.harness.site import PASSWORD, SESSION_COOKIE, new_name

# Written by `make pictures`.
CONTACT_SHEET = TEMPLATE / "docs/pages.jpg"
CONTACT_STYLE = """
    body { display: grid; grid-template-columns: 2fr 2fr 1fr 1fr; gap: 8px; width: 1200px;
           font: 11px sans-serif; }
    figure { margin: 0; } img { width: 100%; border: 1px solid #999; }
"""
DISPLAYS = {
    "desktop, light": ("light", 1280, 800),
    "desktop, dark": ("dark", 1280, 800),
    "phone, light": ("light", 390, 800),
    "phone, dark": ("dark", 390, 800),
}
LOG_IN = "/accounts/login/"
CONFIRM, RESET = "/accounts/confirm-email/", "/accounts/password/reset/key/"
STATUS = "Failed to load resource: the server responded with a status of"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WEBAUTHN = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
}
# With a page for each option.
pytestmark = for_combinations(
    by_name("heroku-asgi-uvicorn-use_celery-use_s3_media"), apart="accounts"
)


@pytest.fixture(scope="module")
def unconfirmed(deployment):
    """The deployment with ACCOUNT_EMAIL_VERIFICATION unset; with EMAIL_URL that is "mandatory"."""
    environment = dict(deployment.environment)
    del environment["ACCOUNT_EMAIL_VERIFICATION"]
    return replace(deployment, environment=environment)


@pytest.fixture(scope="module")
def site(unconfirmed, extra_views):
    """A site with the extra views, one of which fails and so shows the error page."""
    with unconfirmed.site(**extra_views) as site:
        yield site


@pytest.fixture(scope="module")
def closed_site(unconfirmed):
    """A site whose users are invited, and whose admin and key were moved and replaced."""
    old = unconfirmed.environment["SECRET_KEY"]
    changes = {"SECRET_KEY": old[::-1], "SECRET_KEY_FALLBACKS": old}
    with unconfirmed.site(**changes, ADMIN_PATH="back-office/", SIGN_UP="closed") as site:
        yield site


def code_of(secret: str, periods: int = 0) -> str:
    """The TOTP code (RFC 6238) for now, or so many periods later."""
    counter = struct.pack(">Q", int(time.time()) // 30 + periods)
    digest = hmac.new(base64.b32decode(secret), counter, "sha1").digest()
    start = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[start : start + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


def activate_totp(window) -> str:
    """Enter the code of the QR code's secret, and return the secret."""
    picture = window.page.locator(".qr svg")
    expect(picture).to_be_visible()
    assert picture.bounding_box()["width"] > 150
    secret = window.page.locator("#authenticator_secret").input_value()
    window.fill(code=code_of(secret))
    window.press("Activate")
    expect(window.page.locator("textarea")).to_be_visible()
    return secret


def add_authenticator(window) -> None:
    """Add a virtual authenticator, which confirms every request for a passkey at once."""
    session = window.context.new_cdp_session(window.page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": WEBAUTHN})


def log_in_again(window, name: str, **factor: str) -> None:
    """Log out, and in with the password and a second factor, or else with a passkey."""
    window.log_out()
    if factor:
        window.log_in(LOG_IN, name)
        expect(window.page.get_by_role("button", name="Log out")).to_have_count(0)
        window.fill(**factor)
        window.press("Sign In")
    else:
        window.open(LOG_IN)
        window.press("Use a passkey")
    window.expect_login()


def enter_password(window, password: str = PASSWORD) -> None:
    window.fill(password=password)
    window.press("Confirm")


def set_password(window, password: str, **fields: str) -> None:
    window.fill(password1=password, password2=password, **fields)
    window.press("Change Password")


PAGES = (
    "/ /accounts/login/ /accounts/signup/ /accounts/password/reset/ /accounts/password/reset/done/"
)
# /admin/ answers 403: the user is not staff.
PAGES_OF_A_USER = """
    / /accounts/ /accounts/username/ /accounts/password/change/ /accounts/2fa/ /accounts/email/
    /accounts/2fa/webauthn/add/ /accounts/2fa/webauthn/
    /accounts/sessions/ /accounts/delete/ /accounts/logout/ /accounts/reauthenticate/
    /presence/ /picture/ /admin/
"""


class Inspector:
    """Checks pages on all DISPLAYS; ``found`` has the problems, ``pictures`` the screenshots."""

    def __init__(self, window, takes_pictures: bool):
        self.window, self.takes_pictures = window, takes_pictures
        self.axe = AXE_FILE_PATH.read_text()
        self.found: list[str] = []
        self.pictures: list[tuple[str, str]] = []

    def open(self, path: str) -> None:
        self.window.open(path)
        self.look()

    def look(self) -> None:
        """Check the page that is open."""
        page = self.window.page
        title = page.get_by_role("heading").first.inner_text()
        page.evaluate(self.axe)
        for display, (scheme, width, height) in DISPLAYS.items():
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.set_viewport_size({"width": width, "height": height})
            self.found += [f"{title}, {display}: {each}" for each in self.problems()]
            if self.takes_pictures:
                data = page.screenshot(type="jpeg", quality=60)
                self.pictures.append((f"{title} ({display})", base64.b64encode(data).decode()))
        page.set_viewport_size({"width": 900, "height": 640})

    def problems(self) -> list[str]:
        page, found = self.window.page, []
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        if page.evaluate(overflow) > 0:
            found.append("wider than the window")
        header = page.locator("header")  # error pages have none
        if header.count() and header.bounding_box()["height"] > 80:
            found.append("the header has more than one line")
        run = "rules => axe.run({runOnly: rules, resultTypes: ['violations']})"
        for each in page.evaluate(run, RULES)["violations"]:
            found += [f"{each['id']}: {node['html'][:120]}" for node in each["nodes"]]
        return found

    def write_contact_sheet(self) -> None:
        """Write all screenshots to CONTACT_SHEET, with the four of a page in a row."""
        figures = "".join(
            f"<figure><img src='data:image/jpeg;base64,{data}'>"
            f"<figcaption>{title}</figcaption></figure>"
            for title, data in self.pictures
        )
        page = self.window.context.new_page()
        page.set_viewport_size({"width": 1220, "height": 800})
        page.set_content(f"<style>{CONTACT_STYLE}</style>{figures}")
        page.screenshot(path=CONTACT_SHEET, full_page=True, type="jpeg", quality=55)


def open_error_pages(inspector: Inspector) -> None:
    """400, 404, 500, 403 of the CSRF check, and 429."""
    window = inspector.window
    inspector.open(f"{LOG_IN}?{1001 * 'a&'}")  # DATA_UPLOAD_MAX_NUMBER_FIELDS
    inspector.open("/no/such/page")
    inspector.open("/extra/fail/")
    window.open(LOG_IN)
    token = window.main.locator("[name=csrfmiddlewaretoken]").first
    token.evaluate("field => field.value = 'x'")
    window.fill(login="nobody", password="wrong")
    window.press("Log in")
    expect(window.page.get_by_role("heading", name="Please try again")).to_be_visible()
    inspector.look()
    for _ in range(5):
        window.log_in(LOG_IN, "nobody")
    expect(window.page.get_by_role("heading", name="Too many attempts")).to_be_visible()
    inspector.look()


def upload_picture(window) -> None:
    window.open("/picture/")
    window.main.locator("[name=image]").set_input_files(PICTURE)
    window.press("Upload")
    picture = window.page.get_by_role("img", name="Your picture")
    expect(picture).to_be_visible()
    picture.evaluate("image => image.decode()")  # raises an error if it does not load


def test_account_from_sign_up_to_deletion(open_window, mail, worker, bucket, request, site):
    """Axe finds nothing on any page on the way."""
    window = open_window(proxy={"server": bucket.url, "bypass": site.platform.host})
    page, name = window.page, new_name("hypatia")
    address = f"{name}@example.com"
    inspector = Inspector(window, request.config.getoption("pictures"))
    add_authenticator(window)
    for path in PAGES.split():
        inspector.open(path)
    open_error_pages(inspector)

    window.sign_up(name)
    inspector.look()
    inspector.open(mail.link(address, CONFIRM))
    window.press("Confirm")
    window.log_in(LOG_IN, name.upper())
    window.expect_login()

    # A second factor: the password again, the secret of the QR code, and its code.
    for link in ("Account", "Second factor", "Activate"):
        window.follow(link)
    enter_password(window)
    inspector.look()
    secret = activate_totp(window)
    inspector.look()
    codes = page.locator("textarea").input_value().split()
    assert len(codes) == 10

    upload_picture(window)
    for path in PAGES_OF_A_USER.split():
        inspector.open(path)

    window.open("/accounts/reauthenticate/")
    enter_password(window)
    window.open("/accounts/2fa/webauthn/add/")
    page.get_by_label("Passwordless").check()
    window.press("Add")
    expect(page.get_by_text("You have added 1 security key.")).to_be_visible()

    log_in_again(window, address, code=code_of(secret, 1))  # a code is valid once
    log_in_again(window, name)
    log_in_again(window, name, code=codes[0])
    window.open("/accounts/sessions/")
    expect(page.get_by_role("row")).to_have_count(2)

    window.log_out()
    window.open(LOG_IN)
    window.follow("Forgot your password?")
    window.fill(email=address)
    window.press("Reset My Password")
    inspector.open(mail.link(address, RESET))
    set_password(window, f"{PASSWORD} 2")
    expect(page.get_by_text("Your password is now changed.")).to_be_visible()

    window.open(LOG_IN)
    window.press("Use a passkey")
    window.open("/accounts/delete/")
    enter_password(window, f"{PASSWORD} 2")
    window.press("Delete my account")
    expect(page.get_by_text("Your account was deleted.")).to_be_visible()
    if inspector.pictures:
        inspector.write_contact_sheet()
    assert inspector.found == []
    assert [text for text in window.browser_errors if not text.startswith(STATUS)] == []


def test_sign_up_is_closed_the_admin_is_moved_and_the_key_replaced(closed_site, sessions):
    with closed_site.visitor() as visitor:
        assert visitor.get("/admin/login/").status_code == 404
        assert visitor.get("/back-office/").is_redirect
        assert "by invitation" in visitor.get("/accounts/signup/").text
        visitor.cookies[SESSION_COOKIE] = sessions[-1]
        assert "Welcome, person50." in visitor.get("/").text
