"""The code in the package's docs/protections.md, word for word, relaxes each protection.

That all of this is blocked without it: the headers in tests/servers/test_headers.py.
"""

import hmac
import shutil
import time
from pathlib import Path

import corsheaders
import django_htmx
import pytest
from playwright.sync_api import expect

from tests.harness.checkouts import Checkout
from tests.harness.combinations import SERVERS, for_combinations
from tests.harness.recipes import BLOCK, add_code, add_lines, read_recipes
from tests.harness.site import Site

pytestmark = for_combinations(SERVERS[:1], apart="relaxed")

VIDEO, STRIPE = "A frame with another site's page", "Stripe"
CDN, FONT = "A script from a CDN", "A web font"
INLINE, POP_UP = "An inline script", "A pop-up that reports back"
WITHOUT_NONCE = """
const script = document.createElement("script");
script.textContent = "document.title = 'Injected'";
document.head.append(script);
"""
STRIPE_SCRIPT = """
document.body.append(document.createElement("iframe"));
document.querySelector("iframe").src = "https://js.stripe.com/frame";
fetch("https://api.stripe.com/v1");
"""
FRAME = '<iframe src="https://{host}/widget/"></iframe>'
HTMX = Path(django_htmx.__file__).parent / "static/django_htmx/htmx-2.min.js"
# What other sites serve.
ELSEWHERE = {
    "https://cdn.jsdelivr.net/npm/htmx.org@2.0.10/dist/htmx.min.js": HTMX.read_text(),
    "https://fonts.googleapis.com/css2?family=Inter": (
        "@font-face { font-family: Inter; src: url(https://fonts.gstatic.com/inter.woff2) }"
        "main { font-family: Inter }"
    ),
    "https://fonts.gstatic.com/inter.woff2": "",
    "https://js.stripe.com/v3/": STRIPE_SCRIPT,
    "https://js.stripe.com/frame": "<p>A card's number</p>",
    "https://api.stripe.com/v1": "{}",
    "https://www.youtube-nocookie.com/embed/VIDEO": "<p>A video</p>",
    "https://partner.example/": FRAME,
    "https://other.example/": FRAME,
}
TYPES = {"script": "text/javascript", "stylesheet": "text/css"}
PAGE = '{% extends "base.html" %}{% block content %}CODE<p>Text</p>{% endblock %}'
URL = """
from django.views.generic import TemplateView
urlpatterns += [path("examples/NUMBER/", TemplateView.as_view(template_name="NUMBER.html"))]
"""


class Relaxed(Site):
    """A site whose ``paths`` are those of the document's examples, by section."""

    paths: dict[str, str]


def relax(project: Checkout) -> dict[str, str]:
    """Add the code of all sections, and a page for each example; return the pages' paths."""
    paths: dict[str, str] = {}
    for title, section in read_recipes("protections.md").items():
        for language, code in BLOCK.findall(section):
            if language == "html":
                number = str(len(paths))
                project.write(f"templates/{number}.html", PAGE.replace("CODE", code))
                project.append("pages/urls.py", URL.replace("NUMBER", number))
                paths[title] = f"/examples/{number}/"
            elif title == VIDEO:  # Stripe's section has set the list
                add_code(project, code.replace('["frame-src"] = ', '["frame-src"] += '))
            else:
                add_code(project, code)
        add_lines(project, section)
    return paths


@pytest.fixture(scope="module")
def site(deployment, tmp_path_factory):
    ignored = shutil.ignore_patterns(".heroku", "__pycache__")
    folder = tmp_path_factory.mktemp("relaxed") / "my_site"
    shutil.copytree(deployment.platform.folder, folder, ignore=ignored)
    shutil.copytree(Path(corsheaders.__file__).parent, folder / "corsheaders")
    environment = deployment.environment | {"WEBHOOK_SECRET": "a secret"}
    relaxed = Relaxed(type(deployment.platform)(folder), environment)
    relaxed.paths = relax(Checkout(folder, {}))
    with relaxed as site:
        yield site


def test_own_tests_pass_with_relaxed_protections(clone):
    shutil.copytree(Path(corsheaders.__file__).parent, clone.folder / "corsheaders")
    relax(clone)
    clone.run("python -m pytest")


class Browser:
    """A window, in which other sites answer as they do in ELSEWHERE; ``referrers`` has the referrer
    of each request to them.
    """

    def __init__(self, window, site: Relaxed):
        self.window, self.page, self.site = window, window.page, site
        self.referrers: dict[str, str | None] = {}
        window.context.route(lambda url: site.platform.host not in url, self.answer)

    def answer(self, route) -> None:
        url, kind = route.request.url, TYPES.get(route.request.resource_type, "text/html")
        self.referrers[url] = route.request.header_value("Referer")
        body = ELSEWHERE[url].replace("{host}", self.site.platform.host)
        headers = {"Access-Control-Allow-Origin": "*", "Content-Type": kind}
        route.fulfill(body=body, headers=headers)

    def open(self, where: str) -> str:
        """Open a section's page or a URL, and return what the browser blocked in it."""
        browser_errors = self.window.browser_errors
        browser_errors.clear()
        self.page.goto(self.site.paths.get(where, where), wait_until="networkidle")
        words = ("Content Security Policy", "Refused", "blocked")
        return "\n".join(text for text in browser_errors if any(word in text for word in words))

    def pop_up_has_opener(self) -> bool:
        """Whether the window that the page's link opens can reach the page."""
        self.open(POP_UP)
        with self.page.expect_popup() as opened:
            self.page.get_by_role("link", name="Log in with Partner").click()
        return opened.value.evaluate("window.opener !== null")


@pytest.fixture
def in_browser(open_window, site: Relaxed) -> Browser:
    # Without it Chromium blocks requests from a public site to this machine.
    return Browser(open_window(permissions=["local-network-access"]), site)


def test_pages_load_what_was_allowed(in_browser, visitor, site):
    page = in_browser.page
    assert in_browser.open(CDN) == ""
    page.get_by_role("button", name="Load").click()
    expect(page.get_by_text("User-agent: *")).to_be_visible()
    assert in_browser.window.browser_errors == []
    assert in_browser.open(FONT) == ""
    assert "https://fonts.gstatic.com/inter.woff2" in in_browser.referrers
    assert in_browser.open(STRIPE) == ""
    assert [frame.content() for frame in page.frames if "card" in frame.content()]
    assert "https://api.stripe.com/v1" in in_browser.referrers
    policy = visitor.get("/").headers["Permissions-Policy"]
    assert 'payment=(self "https://js.stripe.com")' in policy
    assert in_browser.open(VIDEO) == ""
    assert "A video" in page.frames[1].content()
    home = f"https://{site.platform.host}/"
    assert in_browser.referrers["https://www.youtube-nocookie.com/embed/VIDEO"] == home


def test_pages_of_other_sites_reach_only_what_was_allowed(in_browser):
    assert in_browser.pop_up_has_opener()
    assert in_browser.open("https://partner.example/") == ""
    assert "Create an account" in in_browser.page.frames[1].content()
    assert "frame-ancestors" in in_browser.open("https://other.example/")


def test_inline_script_needs_the_nonce(in_browser):
    assert in_browser.open(INLINE) == ""
    assert in_browser.page.title() == "Inline"
    in_browser.page.evaluate(WITHOUT_NONCE)
    assert in_browser.page.title() == "Inline"


APP = "https://app.example.com"
FILE = {"file": b"0" * 12_000_000}


def test_views_of_the_document_work(site, visitor):
    preflight = {"Origin": APP, "Access-Control-Request-Method": "GET"}
    allowed = [
        visitor.get("/api/status/", headers={"Origin": APP}),
        visitor.options("/api/status/", headers=preflight),
    ]
    assert [answer.headers["Access-Control-Allow-Origin"] for answer in allowed] == [APP] * 2
    for path, origin in [("/api/status/", "https://other.example"), ("/", APP)]:
        rejected = visitor.get(path, headers={"Origin": origin})
        assert "Access-Control-Allow-Origin" not in rejected.headers

    assert visitor.post("/upload/", files=FILE).text == "12000000"
    assert visitor.post("/accounts/login/", files=FILE).status_code == 413


def sign(body: bytes, age: float = 0, timestamp: str = "") -> dict[str, str]:
    """The headers of a webhook whose body was signed ``age`` seconds ago, or at that time stamp."""
    timestamp = timestamp or str(int(time.time() - age))
    signature = hmac.new(b"a secret", f"{timestamp}.".encode() + body, "sha256").hexdigest()
    return {"X-Timestamp": timestamp, "X-Signature": signature}


def send(visitor, headers: dict[str, str], body: bytes = b"{}") -> int:
    """Send the webhook and return the status of the response."""
    encoded = {name: value.encode("latin1") for name, value in headers.items()}
    return visitor.post("/webhook/", content=body, headers=encoded).status_code


def test_webhook_needs_a_fresh_signature_and_a_small_body(visitor):
    assert send(visitor, sign(b"{}")) == 204
    for headers in (
        {},
        {"X-Timestamp": "\xe9", "X-Signature": "\xe9"},
        sign(b"[]"),
        sign(b"{}") | {"X-Timestamp": str(int(time.time()) - 1)},
        sign(b"{}", age=301),
        sign(b"{}", age=-400),
        sign(b"{}", timestamp="now"),
        sign(b"{}") | {"X-Timestamp": "\xb2"},
    ):
        assert send(visitor, headers) == 403, headers
    large = b"0" * 100_001
    assert send(visitor, sign(large), large) == 413
    assert visitor.get("/webhook/").status_code == 405


def test_webhook_over_plain_http_is_taken_if_allowed(site):
    with site.visitor("http") as plain:
        assert send(plain, sign(b"{}")) == 204
        assert send(plain, sign(b"[]")) == 403
        assert plain.post("/upload/", files=FILE).status_code == 301
