"""Accounts as people use them: pages in Chromium, mail from a real server, a second factor, passkeys."""

import base64
import hmac
import re
import struct
import time
from contextlib import ExitStack
from dataclasses import replace

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import expect

from rehearsal.combinations import SERVERS, TEMPLATE, by_name, for_combinations
from rehearsal.mail import MailServer
from rehearsal.site import PASSWORD

# A file, for `make pictures`.
CONTACT_SHEET = TEMPLATE / "docs/pages.jpg"
PICTURE = TEMPLATE / "docs/presence.png"
FORMS = {
    "desktop, light": ("light", 1280, 800),
    "desktop, dark": ("dark", 1280, 800),
    "phone, light": ("light", 390, 800),
    "phone, dark": ("dark", 390, 800),
}
CONFIRM, RESET = "/accounts/confirm-email/", "/accounts/password/reset/key/"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture
def mail(certificates):
    with MailServer(certificates) as server:
        yield server


@pytest.fixture
def site(deployment, mail, services, project, extra_views, request):
    """A site of its own, which sends mail, by a worker if the project has one.

    The parameter is SIGN_UP.
    """
    changes = {"EMAIL_URL": mail.url, "SSL_CERT_FILE": str(services.authority)}
    changes["SIGN_UP"] = getattr(request, "param", "open")
    if project.answers["use_s3_media"]:
        changes |= request.getfixturevalue("bucket").environment
    # With EMAIL_URL the default is "mandatory".
    environment = dict(deployment.environment)
    del environment["ACCOUNT_EMAIL_VERIFICATION"]
    deployment = replace(deployment, environment=environment)
    with ExitStack() as stack:
        if project.answers["use_celery"]:
            services.valkey.flush()
            stack.enter_context(deployment.worker(**changes))
        # One of the views fails, which shows the page of an error.
        yield stack.enter_context(deployment.site(**changes, **extra_views))


def link_to(mail: MailServer, address: str, path: str) -> str:
    """The link that begins with ``path`` in a mail to the address, once it is there."""
    deadline = time.monotonic() + 30
    while True:
        for message in mail.sent_to(address):
            body = message.get_payload(decode=True)
            assert isinstance(body, bytes)
            if found := re.search(rf"https://[^/\s]+({path}\S+)", body.decode()):
                return found[1]
        assert time.monotonic() < deadline, "the mail does not come"
        time.sleep(0.1)


def code_of(secret: str) -> str:
    """The code of RFC 6238 for now, in time to be used."""
    if (left := 30 - time.time() % 30) < 5:
        time.sleep(left)
    counter = struct.pack(">Q", int(time.time()) // 30)
    digest = hmac.new(base64.b32decode(secret), counter, "sha1").digest()
    start = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[start : start + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


def activate_totp(window) -> tuple[str, str]:
    """Enter the code of the QR code's secret; the secret, and the code, which is used by now."""
    picture = window.page.locator(".qr svg")
    expect(picture).to_be_visible()
    assert picture.bounding_box()["width"] > 150
    secret = window.page.locator("#authenticator_secret").input_value()
    code = code_of(secret)
    window.fill(code=code)
    window.press("Activate")
    expect(window.page.locator("textarea")).to_be_visible()
    return secret, code


def add_authenticator(window) -> None:
    """A passkey in this machine, which says at once that its user is there."""
    session = window.context.new_cdp_session(window.page)
    session.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True}
    options |= {"hasUserVerification": True, "isUserVerified": True}
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


@for_combinations(SERVERS)
def test_an_account_from_sign_up_to_its_end(open_window, mail):
    window = open_window()
    page, name, address = window.page, "hypatia", "hypatia@example.com"
    add_authenticator(window)

    window.sign_up(name)
    expect(page.get_by_role("heading", name="Verify")).to_be_visible()
    window.open(link_to(mail, address, CONFIRM))
    window.press("Confirm")
    window.log_in("/accounts/login/", "HYPATIA")
    expect(page.get_by_role("button", name="Log out")).to_be_visible()

    # A second factor: the password again, the secret of the QR code, and its code.
    page.get_by_role("link", name="Account", exact=True).click()
    page.get_by_role("link", name="Second factor").click()
    page.get_by_role("link", name="Activate").click()
    window.fill(password=PASSWORD)
    window.press("Confirm")
    secret, used = activate_totp(window)
    codes = page.locator("textarea").input_value().split()
    assert len(codes) == 10

    window.open("/accounts/2fa/webauthn/add/")
    page.get_by_label("Passwordless").check()
    window.press("Add")
    expect(page.get_by_text("You have added 1 security key.")).to_be_visible()

    window.log_out()
    window.log_in("/accounts/login/", address)
    expect(page.get_by_role("button", name="Log out")).to_have_count(0)
    while (code := code_of(secret)) == used:  # each is good once
        time.sleep(1)
    window.fill(code=code)
    window.press("Sign In")
    expect(page.get_by_role("button", name="Log out")).to_be_visible()

    window.log_out()
    window.open("/accounts/login/")
    window.press("Use a passkey")
    expect(page.get_by_role("button", name="Log out")).to_be_visible()

    window.log_out()
    window.log_in("/accounts/login/", name)
    window.fill(code=codes[0])
    window.press("Sign In")
    expect(page.get_by_role("button", name="Log out")).to_be_visible()

    window.open("/accounts/sessions/")
    expect(page.get_by_role("row")).to_have_count(2)

    window.log_out()
    window.open("/accounts/login/")
    page.get_by_role("link", name="Forgot your password?").click()
    window.fill(email=address)
    window.press("Reset My Password")
    window.open(link_to(mail, address, RESET))
    set_password(window, f"{PASSWORD} 2")
    expect(page.get_by_text("Your password is now changed.")).to_be_visible()

    window.open("/accounts/login/")
    window.press("Use a passkey")
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    window.open("/accounts/delete/")
    if "reauthenticate" in page.url:
        window.fill(password=f"{PASSWORD} 2")
        window.press("Confirm")
    window.press("Delete my account")
    expect(page.get_by_text("Your account was deleted.")).to_be_visible()
    assert window.complaints == []


def set_password(window, password: str, **fields: str) -> None:
    window.fill(password1=password, password2=password, **fields)
    window.press("Change Password")


def upload_picture(window) -> None:
    page = window.page
    page.get_by_role("link", name="Picture").click()
    page.get_by_role("main").locator("[name=image]").set_input_files(PICTURE)
    window.press("Upload")
    picture = page.get_by_role("img", name="Your picture")
    expect(picture).to_be_visible()
    picture.evaluate("image => image.decode()")  # raises an error if it does not load


@for_combinations(SERVERS)
@pytest.mark.parametrize("site", ["closed"], indirect=True)
def test_an_account_by_invitation_and_what_its_pages_change(
    open_window, administrator, mail, site, project, request
):
    options: dict = {}
    if project.answers["use_s3_media"]:
        bucket = request.getfixturevalue("bucket")
        options["proxy"] = {"server": bucket.url, "bypass": site.platform.host}
    window, phone, admin = open_window(**options), open_window(), open_window()
    page, name, address, new = window.page, "rosalind", "rosalind@example.com", "r@example.com"

    window.open("/")
    expect(page.get_by_role("link", name="Log in")).to_have_count(2)
    expect(page.locator("a[href*=signup]")).to_have_count(0)
    window.open("/accounts/login/")
    expect(page.locator("a[href*=signup]")).to_have_count(0)
    window.open("/accounts/signup/")
    expect(page.get_by_text("are by invitation.")).to_be_visible()

    admin.log_in("/admin/users/user/add/", administrator)
    admin.fill(username=name, email=address)
    admin.page.get_by_label("Disabled").check()
    admin.press("Save")
    expect(admin.page.get_by_text("Invitations sent: 1.")).to_be_visible()
    window.open(link_to(mail, address, RESET))
    set_password(window, PASSWORD)
    expect(page.get_by_text("Your password is now changed.")).to_be_visible()
    window.log_in("/accounts/login/", name)

    page.get_by_role("link", name="Account", exact=True).click()
    page.get_by_role("link", name="User name").click()
    window.fill(password=PASSWORD)
    window.press("Confirm")
    window.fill(username="Franklin")
    window.press("Change user name")
    expect(page.get_by_text(f"You are Franklin, {address}.")).to_be_visible()

    page.get_by_role("link", name="E-mail address").click()
    window.fill(email=new)
    window.press("Change the address")
    expect(page.get_by_text(f"{new} is not confirmed yet")).to_be_visible()
    expect(page.get_by_text(f"Yours is {address}.")).to_be_visible()
    phone.log_in("/accounts/login/", address)
    expect(phone.page.get_by_role("button", name="Log out")).to_be_visible()
    window.open(link_to(mail, new, CONFIRM))
    window.press("Confirm")
    expect(page.get_by_text("You have confirmed")).to_be_visible()
    window.open("/accounts/email/")
    expect(page.get_by_text(f"Yours is {new}.")).to_be_visible()

    window.open("/accounts/sessions/")
    expect(page.get_by_role("row")).to_have_count(3)
    window.press("Sign Out Other Sessions")
    expect(page.get_by_role("row")).to_have_count(2)
    phone.log_in("/accounts/", new)  # the page that asks for it
    expect(phone.page.get_by_text(f"You are Franklin, {new}.")).to_be_visible()

    window.open("/accounts/")
    page.get_by_role("link", name="Password").click()
    set_password(window, f"{PASSWORD} 2", oldpassword=PASSWORD)
    expect(page.get_by_text("Password successfully changed.")).to_be_visible()
    phone.open("/accounts/")
    expect(phone.page.get_by_role("heading", name="Log in")).to_be_visible()

    if project.answers["use_s3_media"]:
        window.open("/accounts/")
        upload_picture(window)
    assert window.complaints == phone.complaints == admin.complaints == []


PAGES = [
    *["/", "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"],
    "/accounts/password/reset/done/",
]
PAGES_OF_A_USER = [
    *["/", "/accounts/", "/accounts/username/", "/accounts/password/change/", "/accounts/2fa/"],
    *["/accounts/2fa/totp/activate/", "/accounts/2fa/webauthn/add/", "/accounts/2fa/webauthn/"],
    *["/accounts/sessions/", "/accounts/delete/", "/accounts/logout/", "/accounts/reauthenticate/"],
    *["/presence/", "/picture/"],
    "/accounts/email/",
    "/admin/",  # 403, as only staff may
]


class Inspector:
    """Looks at pages in all forms; ``found`` is what is wrong, ``pictures`` what they look like."""

    def __init__(self, window, takes_pictures: bool):
        self.window, self.takes_pictures = window, takes_pictures
        self.axe = AXE_FILE_PATH.read_text()
        self.found: list[str] = []
        self.pictures: list[tuple[str, str]] = []

    def open(self, path: str) -> None:
        self.window.open(path)
        self.look()

    def look(self) -> None:
        """Look at the page that is open."""
        page = self.window.page
        title = page.get_by_role("heading").first.inner_text()
        page.evaluate(self.axe)
        for form, (scheme, width, height) in FORMS.items():
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.set_viewport_size({"width": width, "height": height})
            self.found += [f"{title}, {form}: {each}" for each in self.problems()]
            if self.takes_pictures:
                data = page.screenshot(type="jpeg", quality=60)
                self.pictures.append((f"{title} ({form})", base64.b64encode(data).decode()))

    def problems(self) -> list[str]:
        page, found = self.window.page, []
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        if page.evaluate(overflow) > 0:
            found.append("wider than the window")
        header = page.locator("header")  # which the pages of errors do without
        if header.count() and header.bounding_box()["height"] > 80:
            found.append("the header has more than one line")
        run = "rules => axe.run({runOnly: rules, resultTypes: ['violations']})"
        for each in page.evaluate(run, RULES)["violations"]:
            found += [f"{each['id']}: {node['html'][:120]}" for node in each["nodes"]]
        return found


def open_error_pages(inspector: Inspector) -> None:
    """400, 403 of a form from elsewhere, 404, 429 and 500."""
    window = inspector.window
    inspector.open("/accounts/login/?" + 1001 * "a&")  # DATA_UPLOAD_MAX_NUMBER_FIELDS
    inspector.open("/no/such/page")
    inspector.open("/extra/fail/")
    window.open("/accounts/login/")
    window.page.get_by_role("main").locator("[name=csrfmiddlewaretoken]").first.evaluate(
        "field => field.value = 'x'"
    )
    window.fill(login="nobody", password="wrong")
    window.press("Log in")
    expect(window.page.get_by_role("heading", name="Please try again")).to_be_visible()
    inspector.look()
    for _ in range(5):
        window.open("/accounts/login/")
        window.fill(login="nobody", password="wrong")
        window.press("Log in")
    expect(window.page.get_by_role("heading", name="Too many attempts")).to_be_visible()
    inspector.look()


@for_combinations(
    by_name("heroku-asgi-daphne", "digitalocean-wsgi-waitress-use_s3_media"),
)
def test_axe_finds_nothing_on_any_page_in_any_form(open_window, mail, request, project):
    window = open_window()
    inspector = Inspector(window, request.config.getoption("pictures"))
    for path in PAGES:
        inspector.open(path)
    open_error_pages(inspector)
    window.open("/accounts/signup/")
    window.sign_up("emmy")
    inspector.look()
    inspector.open(link_to(mail, "emmy@example.com", CONFIRM))
    window.press("Confirm")
    window.open("/accounts/password/reset/")
    window.fill(email="emmy@example.com")
    window.press("Reset My Password")
    inspector.open(link_to(mail, "emmy@example.com", RESET))
    window.log_in("/accounts/login/", "emmy")
    window.open("/accounts/reauthenticate/")
    window.fill(password=PASSWORD)
    window.press("Confirm")
    for path in PAGES_OF_A_USER:
        inspector.open(path)  # those that the project lacks are "Page not found"
    window.open("/accounts/email/")
    window.fill(email="noether@example.com")
    window.press("Change the address")
    inspector.look()
    window.open("/accounts/2fa/totp/activate/")
    activate_totp(window)
    inspector.look()
    if inspector.pictures and project.name == "heroku-asgi-daphne":
        write_contact_sheet(window, inspector.pictures)
    assert inspector.found == []


def write_contact_sheet(window, pictures: list[tuple[str, str]]) -> None:
    """All pictures, a page in its four forms a row, in CONTACT_SHEET."""
    figures = "".join(
        f"<figure><img src='data:image/jpeg;base64,{data}'><figcaption>{title}</figcaption></figure>"
        for title, data in pictures
    )
    style = """
        body { display: grid; grid-template-columns: 2fr 2fr 1fr 1fr; gap: 8px; width: 1200px;
               font: 11px sans-serif; }
        figure { margin: 0; } img { width: 100%; border: 1px solid #999; }
    """
    page = window.context.new_page()
    page.set_viewport_size({"width": 1220, "height": 800})
    page.set_content(f"<style>{style}</style>{figures}")
    page.screenshot(path=CONTACT_SHEET, full_page=True, type="jpeg", quality=55)
