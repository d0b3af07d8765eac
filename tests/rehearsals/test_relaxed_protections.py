"""What the generated docs/protections.md relaxes is relaxed by its own code, and else refused."""

import hmac
import re
import shutil
import ssl
import threading
import time
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import corsheaders
import pytest
from playwright.sync_api import sync_playwright

from rehearsal.chromium import launch
from rehearsal.combinations import SERVERS, for_combinations
from rehearsal.deployment import Deployment
from rehearsal.router import Router
from rehearsal.site import Site

pytestmark = for_combinations(SERVERS[:1])

# A frame of one section takes the place of another's: so it is tried by itself.
VIDEO = "A frame with another site's page"
INLINE, POP_UP = "An inline script", "A pop-up that reports back"
WITHOUT_NONCE = """
const script = document.createElement("script");
script.textContent = "document.title = 'Injected'";
document.head.append(script);
"""
SCRIPT = """
document.documentElement.dataset.{name} = "ran";
if (location.hostname.endsWith("herokuapp.com") && "{name}" === "stripe") {{
    const frame = document.createElement("iframe");
    frame.src = "https://js.stripe.com/frame";
    document.body.append(frame);
    fetch("https://api.stripe.com/v1");
}}
"""
# What other sites serve, by host and path: a type and a text.
ELSEWHERE = {
    "cdn.jsdelivr.net/npm/htmx.org@2.0.4/dist/htmx.min.js": (
        "text/javascript",
        SCRIPT.format(name="cdn"),
    ),
    "fonts.googleapis.com/css2": (
        "text/css",
        "@font-face { font-family: Inter; src: url(https://fonts.gstatic.com/inter.woff2) } "
        + "main { font-family: Inter }",
    ),
    "fonts.gstatic.com/inter.woff2": ("font/woff2", ""),
    "js.stripe.com/v3/": ("text/javascript", SCRIPT.format(name="stripe")),
    "js.stripe.com/frame": ("text/html", "<p>A card's number</p>"),
    "api.stripe.com/v1": ("application/json", "{}"),
    "www.youtube-nocookie.com/embed/VIDEO": ("text/html", "<p>A video</p>"),
    "partner.example/": ("text/html", '<iframe src="https://{host}/widget/"></iframe>'),
    "other.example/": ("text/html", '<iframe src="https://{host}/widget/"></iframe>'),
}


def sections(text: str) -> dict[str, list[tuple[str, str]]]:
    """The blocks of code in each section: their language and their code."""
    found = {}
    for section in text.split("\n## ")[1:]:
        blocks = re.findall(r"^```(\w+)\n(.+?)^```$", section, re.MULTILINE | re.DOTALL)
        found[section.partition("\n")[0]] = blocks
    return found


def apply(folder: Path, blocks: list[tuple[str, str]]) -> None:
    """Add each block to the file that its first line names; HTML to a page of its own."""
    for language, code in blocks:
        if language == "html":
            continue
        path = folder / re.match(r"# (\S+)\n", code)[1]
        text, seal, _ = path.read_text().partition("\nenv.seal()\n")
        path.write_text(f"{text}\n{code}{seal}")


def add_pages(folder: Path, found: dict[str, list[tuple[str, str]]]) -> dict[str, str]:
    """Add a page for the HTML of each section, and return their paths."""
    paths = {}
    for number, (title, blocks) in enumerate(found.items()):
        for code in [code for language, code in blocks if language == "html"]:
            template = folder / f"templates/examples/{number}.html"
            template.parent.mkdir(exist_ok=True)
            start, end = "{% block content %}", "{% endblock %}"
            template.write_text(f'{{% extends "base.html" %}}{start}{code}<p>Text</p>{end}')
            with (folder / "pages/urls.py").open("a") as urls:
                view = f'TemplateView.as_view(template_name="examples/{number}.html")'
                urls.write("from django.views.generic import TemplateView\n")
                urls.write(f'urlpatterns += [path("examples/{number}/", {view})]\n')
            paths[title] = f"/examples/{number}/"
    return paths


class Elsewhere(ThreadingHTTPServer):
    """Other sites, over HTTPS. ``referrers`` has the referrer of each request, by host and path."""

    def __init__(self, certificates, host: str):
        super().__init__(("127.0.0.1", 0), Handler)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificates.certificate, certificates.key)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.host = host
        self.referrers: dict[str, str | None] = {}

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception):
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address) -> None:
        """Say nothing: browsers close connections that they no longer need."""


class Handler(BaseHTTPRequestHandler):
    server: Elsewhere

    def do_GET(self) -> None:
        where = f"{self.headers['Host']}{self.path.partition('?')[0]}"
        self.server.referrers[where] = self.headers["Referer"]
        kind, text = ELSEWHERE.get(where, ("text/plain", ""))
        body = text.replace("{host}", self.server.host).encode()
        self.send_response(200 if where in ELSEWHERE else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Access-Control-Allow-Origin", "*")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments) -> None:
        """Say nothing."""


class Examples:
    """A copy of a deployed project with the document's examples, and its sites."""

    def __init__(self, deployment: Deployment, folder: Path):
        self.platform = type(deployment.platform)(folder)
        self.environment = deployment.environment | {"WEBHOOK_SECRET": "a secret"}
        self.folder = folder
        text = (folder / "docs/protections.md").read_text()
        self.sections = sections(text)
        self.paths = add_pages(folder, self.sections)

    def relax(self, *titles: str) -> None:
        for title in titles:
            apply(self.folder, self.sections[title])

    def site(self) -> Site:
        return Site(self.platform, self.environment)


@pytest.fixture
def examples(deployment, tmp_path) -> Examples:
    ignored = shutil.ignore_patterns(".heroku", "__pycache__")
    folder = shutil.copytree(deployment.platform.folder, tmp_path / "my_site", ignore=ignored)
    shutil.copytree(Path(corsheaders.__file__).parent, folder / "corsheaders")
    return Examples(deployment, folder)


class Browser:
    """Chromium, in which the site and all others are on this machine."""

    def __init__(self, site: Site, certificates, stack: ExitStack):
        files = (certificates.certificate, certificates.key)
        host = site.platform.host
        self.router = stack.enter_context(Router(site.platform, site.port, "https", *files))
        self.elsewhere = stack.enter_context(Elsewhere(certificates, host))
        ports = {name.partition("/")[0]: self.elsewhere.server_port for name in ELSEWHERE}
        playwright = stack.enter_context(sync_playwright())
        browser = launch(playwright, ports | {host: self.router.port})
        self.page = browser.new_context(ignore_https_errors=True).new_page()
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.complaints: list[str] = []
        self.home = f"https://{host}"

    def open(self, url: str) -> str:
        """Open the page, and return what the browser blocked in it."""
        self.complaints.clear()
        self.page.goto(url, wait_until="networkidle")
        refusals = ("Content Security Policy", "Refused", "blocked")
        return "\n".join(text for text in self.complaints if any(word in text for word in refusals))

    def opener_of_pop_up(self, path: str) -> bool:
        """Whether the window that the page's link opens can reach the page."""
        self.open(self.home + path)
        with self.page.expect_popup() as opened:
            self.page.get_by_role("link", name="Log in with Partner").click()
        return opened.value.evaluate("window.opener !== null")


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


def test_a_new_project_s_pages_may_load_nothing_from_elsewhere(examples, stack, certificates):
    site = stack.enter_context(examples.site())
    browser = Browser(site, certificates, stack)
    for title, path in examples.paths.items():
        blocked = browser.open(browser.home + path)
        assert bool(blocked) == (title not in (INLINE, POP_UP)), title
    assert browser.elsewhere.referrers == {}
    assert not browser.opener_of_pop_up(examples.paths[POP_UP])

    browser.open(browser.home + examples.paths[INLINE])
    assert browser.page.title() == "Inline"
    browser.page.evaluate(WITHOUT_NONCE)
    assert browser.page.title() == "Inline"


def test_pages_load_from_elsewhere_what_the_document_adds(examples, stack, certificates):
    cdn, font, stripe = "A script from a CDN", "A web font", "Stripe"
    examples.relax(cdn, font, stripe, POP_UP, "Your page in another site's frame")
    site = stack.enter_context(examples.site())
    browser = Browser(site, certificates, stack)
    page = browser.page

    assert browser.open(browser.home + examples.paths[cdn]) == ""
    assert page.evaluate("document.documentElement.dataset.cdn") == "ran"
    assert browser.open(browser.home + examples.paths[font]) == ""
    assert "fonts.gstatic.com/inter.woff2" in browser.elsewhere.referrers
    assert browser.open(browser.home + examples.paths[stripe]) == ""
    assert [frame.content() for frame in page.frames if "card" in frame.content()]
    assert "api.stripe.com/v1" in browser.elsewhere.referrers
    visitor = stack.enter_context(site.visitor())
    policy = visitor.get("/").headers["Permissions-Policy"]
    assert 'payment=(self "https://js.stripe.com")' in policy
    assert browser.opener_of_pop_up(examples.paths[POP_UP])
    assert "frame" in browser.open(browser.home + examples.paths[VIDEO])

    assert browser.open("https://partner.example/") == ""
    assert "Your site is up" in page.frames[1].content()
    assert "frame-ancestors" in browser.open("https://other.example/")


def test_a_page_frames_another_site_s_page(examples, stack, certificates):
    examples.relax(VIDEO)
    browser = Browser(stack.enter_context(examples.site()), certificates, stack)
    assert browser.open(browser.home + examples.paths[VIDEO]) == ""
    assert "A video" in browser.page.frames[1].content()
    referrer = browser.elsewhere.referrers["www.youtube-nocookie.com/embed/VIDEO"]
    assert referrer == f"{browser.home}/"


APP = "https://app.example.com"
FILE = {"file": b"0" * 12_000_000}


def signed(body: bytes) -> dict[str, str]:
    return {"X-Signature": hmac.new(b"a secret", body, "sha256").hexdigest()}


def test_the_document_s_views_work(examples, stack):
    titles = [title for title in examples.sections if title not in examples.paths]
    examples.relax(*titles)
    site = stack.enter_context(examples.site())
    visitor = stack.enter_context(site.visitor())
    plain = stack.enter_context(site.visitor("http"))

    preflight = {"Origin": APP, "Access-Control-Request-Method": "GET"}
    answers = [
        visitor.get("/api/status/", headers={"Origin": APP}),
        visitor.options("/api/status/", headers=preflight),
    ]
    assert [answer.headers["Access-Control-Allow-Origin"] for answer in answers] == [APP] * 2
    for path, origin in [("/api/status/", "https://other.example"), ("/", APP)]:
        refused = visitor.get(path, headers={"Origin": origin})
        assert "Access-Control-Allow-Origin" not in refused.headers

    assert visitor.post("/upload/", files=FILE).text == "12000000"
    assert visitor.post("/accounts/login/", files=FILE).status_code == 413

    started = time.monotonic()
    with visitor.stream("GET", "/export/") as export:
        parts = [(time.monotonic() - started, text) for text in export.iter_text()]
    # Under ASGI, paas/asgi/streaming.py adds to a part what comes soon after it.
    assert parts[0][0] < 2
    assert parts[-1][0] > 3
    assert "".join(text for _, text in parts).count("\n") == 4

    assert plain.post("/webhook/", content=b"{}", headers=signed(b"{}")).status_code == 204
    assert plain.post("/webhook/", content=b"[]", headers=signed(b"{}")).status_code == 403
    assert plain.post("/upload/", files=FILE).status_code == 301
