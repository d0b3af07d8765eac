"""The recipes of the package's docs/packages.md, followed word for word in one project, which is then
deployed with all of these packages, pinned in packages.txt.
"""

import re
import shutil
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from rehearse.buildpack import install
from rehearse.platforms import PLATFORMS
from rehearse.services import free_port
from tests.harness.checkouts import Checkout
from tests.harness.combinations import OWN_TESTS, for_combinations
from tests.harness.commands import developer_environment, run_script
from tests.harness.deployment import Deployment
from tests.harness.recipes import PACKAGES_LOCK, add_code, follow, required_packages, text_of
from tests.harness.site import CSRF_COOKIE, PASSWORD, serve

pytestmark = for_combinations(OWN_TESTS[:1], apart="packages")

DOCUMENT = text_of("packages.md")
GITHUB = "https://github.com/"
# What the packages' own documentation has an owner write.
EXAMPLES = """
# config/settings.py
INSTALLED_APPS += ["rest_framework", "rest_framework.authtoken"]
INSTALLED_APPS += ["drf_spectacular", "drf_spectacular_sidecar"]
INSTALLED_APPS += ["crispy_forms", "crispy_bootstrap5", "django_htmx"]
INSTALLED_APPS += [f"wagtail.{name}" for name in ("embeds", "sites", "users", "snippets")]
INSTALLED_APPS += [f"wagtail.{name}" for name in ("documents", "images", "search", "admin")]
INSTALLED_APPS += ["wagtail", "modelcluster", "taggit"]
INSTALLED_APPS += ["allauth.socialaccount", "allauth.socialaccount.providers.github"]
MIDDLEWARE += ["django_htmx.middleware.HtmxMiddleware"]
CRISPY_ALLOWED_TEMPLATE_PACKS = CRISPY_TEMPLATE_PACK = "bootstrap5"
REST_FRAMEWORK["DEFAULT_SCHEMA_CLASS"] = "drf_spectacular.openapi.AutoSchema"
---
# pages/examples.py
import strawberry
from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.views.generic import FormView
from ninja import NinjaAPI
from ninja.security import django_auth
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response

class GreetingSerializer(serializers.Serializer):
    name = serializers.CharField(max_length=50)

class Greeting(GenericAPIView):
    serializer_class = GreetingSerializer

    def post(self, request):
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response({"text": f"Hello, {serializer.validated_data['name']}!"})

class Public(Greeting):
    permission_classes: list = []

api = NinjaAPI(auth=django_auth)

@api.post("/double")
def double(request, number: int = 4):
    return {"double": 2 * number}

@strawberry.type
class Query:
    @strawberry.field
    def greeting(self) -> str:
        return "Hello, GraphQL!"

schema = strawberry.Schema(query=Query)

class ContactForm(forms.Form):
    subject = forms.ChoiceField(choices=[("a", "A question"), ("b", "A bug")])

class ContactView(FormView):
    form_class, template_name, success_url = ContactForm, "pages/contact.html", "/"

def like(request):
    return HttpResponse("Liked") if request.method == "POST" else render(request, "pages/like.html")
---
# config/urls.py
from django.views.decorators.csrf import ensure_csrf_cookie
from pages import examples
from strawberry.django.views import GraphQLView

urlpatterns += [
    path("api/greeting/", examples.Greeting.as_view()),
    path("api/public/", examples.Public.as_view()),
    path("contact/", examples.ContactView.as_view()),
    path("graphql/", ensure_csrf_cookie(GraphQLView.as_view(schema=examples.schema))),
    path("like/", examples.like),
    path("ninja/", examples.api.urls),
]
---
<!-- templates/pages/contact.html -->
{% load crispy_forms_tags static %}
<link rel="icon" href="{% static 'favicon.svg' %}">
<link rel="stylesheet" href="{% static 'bootstrap.min.css' %}">
<script src="{% static 'bootstrap.bundle.min.js' %}" defer></script>
<main><form method="post">{% csrf_token %}{{ form|crispy }}<button>Send</button></form></main>
---
{# templates/pages/like.html #}
{% extends "htmx.html" %}
{% block fragment %}<button hx-post="" hx-swap="outerHTML">Like</button>{% endblock %}
"""


MAKE_PERSON = f"""
from users.models import User
User.objects.create_superuser("margaret", "margaret@example.com", password={PASSWORD!r})
"""


@pytest.fixture(scope="module")
def owner(project) -> Checkout:
    """Someone who followed the document."""
    folder = project.checkout("packages")
    environment = folder.parent / "environment"
    owner = Checkout(folder, developer_environment(environment / "bin", folder))
    added = "".join(f'    "{package}",\n' for package in required_packages())
    owner.replace("pyproject.toml", "\ndependencies = [\n", f"\ndependencies = [\n{added}")
    for name in ("requirements.txt", "requirements-dev.txt"):
        owner.append(name, f"\n{PACKAGES_LOCK.read_text()}")
    install("requirements-dev.txt", folder, environment)
    follow(owner, DOCUMENT)
    for code in EXAMPLES.split("---\n"):
        add_code(owner, code.lstrip())
    [bootstrap] = environment.glob("lib/python*/site-packages/bootstrap")
    for name in re.findall(r"`(\w+/bootstrap\S+)`", DOCUMENT):
        for path in (bootstrap / name, bootstrap / f"{name}.map"):
            shutil.copy(path, folder / "static")
    owner.run("cp .env.example .env\nmake fix")
    return owner


def test_checks_and_tests_pass_with_every_package(owner):
    owner.run("make check\npytest --no-migrations config pages")


@pytest.fixture(scope="module")
def extended(owner, project, services, variables) -> Deployment:
    services.postgres.create_database("packages")
    folder = shutil.copytree(owner.folder, owner.folder.parent / "deployed")
    (folder / ".env").unlink()  # git ignores it
    platform = PLATFORMS[project.answers["platform"]](folder)
    keys = {"GITHUB_ID": "an-id", "GITHUB_SECRET": "a-secret"}
    deployment = Deployment.make(platform, services, "packages", **variables, **keys)
    deployment.run_script(MAKE_PERSON)
    return deployment


@pytest.fixture(scope="module")
def site(extended):
    with extended.site() as site:
        yield site


@pytest.fixture
def window(open_window):
    window = open_window()
    window.log_in("/accounts/login/", "margaret")
    yield window
    assert window.browser_errors == []


def press(page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).first.click()


def sees(page, text: str) -> None:
    expect(page.get_by_text(text).first).to_be_visible()


def test_rest_framework_takes_forms_and_tokens(window, extended, visitor):
    window.open("/api/greeting/")
    window.page.locator("[name=name]").first.fill("Bob")
    press(window.page, "POST")
    sees(window.page, "Hello, Bob!")
    window.browser_errors.clear()  # GET is not allowed there
    assert visitor.post("/api/greeting/").status_code == 401
    token = extended.run("python manage.py drf_create_token margaret").split()[2]
    headers = {"Authorization": f"Token {token}"}
    answer = visitor.post("/api/greeting/", headers=headers, json={"name": "Bob"})
    assert answer.json() == {"text": "Hello, Bob!"}


def test_forged_addresses_do_not_avoid_a_throttle(visitor):
    addresses = [f"192.0.2.{number}, 203.0.113.9" for number in range(70)]
    found = [
        visitor.post("/api/public/", headers={"X-Forwarded-For": address}).status_code
        for address in addresses
    ]
    assert (found[0], found[-1]) == (400, 429)


@pytest.mark.parametrize(
    ("path", "operation", "answer"),
    [
        ("/api/docs/", "POST /api/greeting/", "Hello, string!"),
        ("/ninja/docs", "POST /ninja/double", '"double": 8'),
    ],
)
def test_swagger_calls_the_api(window, path, operation, answer):
    window.open(path)
    window.page.get_by_role("button", name=operation).first.click()
    press(window.page, "Try it out")
    press(window.page, "Execute")
    sees(window.page, answer)


def test_redoc_is_blocked_from_other_sites_only(window):
    window.open("/api/redoc/")
    sees(window.page, "/api/greeting/")
    blocked = {re.search(r"https://([\w.]+)", error)[1] for error in window.browser_errors}
    assert blocked <= {"fonts.googleapis.com", "cdn.redoc.ly"}
    window.browser_errors.clear()


def test_graphiql_is_not_blocked_and_a_query_is_answered(window, visitor):
    headers = {"Access-Control-Allow-Origin": "*"}
    window.context.route("https://unpkg.com/**", lambda route: route.fulfill(headers=headers))
    window.open("/graphql/")
    found = [error for error in window.browser_errors if "a valid digest" not in error]
    assert len(window.browser_errors) == 7 + len(found)
    assert [error.partition(" is ")[2] for error in found] == ["not defined"]  # it ran
    window.browser_errors.clear()
    token = visitor.get("/graphql/", headers={"Accept": "text/html"}).cookies[CSRF_COOKIE]
    query = {"query": "{ greeting }"}
    answer = visitor.post("/graphql/", headers={"X-CSRFToken": token}, json=query)
    assert answer.json()["data"] == {"greeting": "Hello, GraphQL!"}


def test_bootstrap_has_its_icons_and_crispy_its_classes(window):
    window.open("/contact/")
    picture = "element => getComputedStyle(element).backgroundImage"
    select = window.page.locator("select.form-select")
    assert select.evaluate(picture).startswith('url("data:image/svg+xml')
    window.press("Send")
    assert urlsplit(window.page.url).path == "/"


def test_htmx_posts(window):
    window.open("/like/")
    press(window.page, "Like")
    sees(window.page, "Liked")


def test_admin_theme_has_the_sites_login(window, visitor):
    window.open("/admin/users/user/")
    expect(window.page.get_by_text("Available shortcuts")).to_be_hidden()
    window.follow("margaret")
    window.page.locator("[name=first_name]").fill("Margaret")
    press(window.page, "Save")
    sees(window.page, "was changed successfully")
    login = visitor.get("/admin/login/")
    assert login.headers["Location"].startswith("/accounts/login/")


CLEAR = """
from django.conf import settings
from django.core.cache import caches
from redis import Redis
redis = Redis.from_url(settings.REDIS_URL)
redis.set("a task", "1")
caches["pages"].set("page", "text")
assert caches["pages"].get("page") == "text"
caches["pages"].clear()
assert (caches["pages"].get("page"), redis.get("a task")) == (None, b"1")
settings.REDIS_URL
"""


def test_clearing_the_cache_keeps_what_else_is_in_redis(extended):
    extended.run_script(CLEAR)


MAIL = """
from unittest import mock
from django.conf import settings
from django.core.mail import send_mail
assert settings.ACCOUNT_EMAIL_VERIFICATION == "mandatory"
with mock.patch("requests.Session.request") as request:
    request.return_value.status_code = 200
    request.return_value.json.return_value = {"ErrorCode": 0, "Message": "OK", "MessageID": "1"}
    send_mail("Subject", "Text", None, ["ada@example.com"])
sent = request.call_args.kwargs
assert sent["url"] == "https://api.postmarkapp.com/email"
assert sent["headers"]["X-Postmark-Server-Token"] == "a-token"
assert sent["timeout"] == 5
"""


def test_mail_goes_to_the_services_api(extended):
    environment = extended.environment | {"POSTMARK_TOKEN": "a-token"}
    del environment["ACCOUNT_EMAIL_VERIFICATION"]
    run_script(MAIL, extended.platform.folder, environment)


def test_wagtail_publishes_and_previews_a_page(window, visitor):
    for path in ("/cms/", "/cms/login/?next=/cms/"):
        login = visitor.get(path)
        assert login.headers["Location"] == "/accounts/login/?next=/cms/"
    visitor.log_in("margaret")
    assert not re.search(r'type="(password|email)"', visitor.get("/cms/account/").text)
    editor = "/cms/pages/2/edit/"
    page = {"title": "News of today", "slug": "home"}
    page |= {"comments-TOTAL_FORMS": "0", "comments-INITIAL_FORMS": "0"}
    assert visitor.submit(f"{editor}preview/", editor, **page).json()["is_valid"]
    preview = visitor.get(f"{editor}preview/")
    assert "News of today" in preview.text
    assert preview.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in preview.headers["Content-Security-Policy"]
    visitor.submit(editor, **page | {"action-publish": "action-publish"})
    assert "News of today" in visitor.get("/news/").text
    window.open(editor)
    expect(window.page.locator("[name=title]")).to_have_value("News of today")
    assert not [error for error in window.browser_errors if "Content Security Policy" in error]
    window.browser_errors.clear()  # a warning of a script of Wagtail's


def test_debug_toolbar_opens_in_development(owner, open_window, services):
    window, address = open_window(), f"127.0.0.1:{free_port()}"
    command = f"python manage.py runserver --noreload {address}"
    variables = {"DATABASE_URL": services.postgres.url("packages")}  # SQLite migrates for a minute
    with serve(command, address, owner.folder, owner.environment | variables) as url:
        window.open(f"{url}/")
        window.page.locator("a.HeadersPanel").click()
        sees(window.page, "Request headers")
    assert window.browser_errors == []


def test_button_leads_to_github(open_window, site):
    window = open_window()
    _, query = window.log_in_at("GitHub", GITHUB)
    callback = f"https://{site.platform.host}/accounts/github/login/callback/"
    assert (query["client_id"], query["redirect_uri"]) == (["an-id"], [callback])
    assert window.browser_errors == []
