import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils.html import escape


@pytest.fixture
def client(client, user):
    """Logged in, as the home page may need it: with LoginRequiredMiddleware, for example."""
    client.force_login(user)
    return client


def test_home_page_names_the_site(client):
    response = client.get(reverse("home"))
    assert response.status_code == 200
    assert f"{escape(settings.SITE_NAME)}</title>" in response.text


def test_home_page_says_what_the_site_is_for(client, settings):
    settings.SITE_DESCRIPTION = "Books & more"
    page = client.get(reverse("home")).text
    assert '<p class="lead" dir="auto">Books &amp; more</p>' in page
    assert '<meta name="description" content="Books &amp; more">' in page


def test_a_site_without_a_description_has_none_to_show(client, settings):
    settings.SITE_DESCRIPTION = ""
    page = client.get(reverse("home")).text
    assert page.count('class="lead"') == 1
    assert 'name="description"' not in page


def test_visitors_do_not_see_the_next_steps_of_development(client, settings):
    settings.DEBUG = False
    assert "manage.py" not in client.get(reverse("home")).text


@pytest.mark.parametrize("name", ["account_login", "account_signup"])
def test_visitors_see_the_site_name_and_are_offered_an_account(db, name):
    page = Client().get(reverse(name)).text
    assert f"{escape(settings.SITE_NAME)}</title>" in page
    assert f'href="/">{escape(settings.SITE_NAME)}</a>' in page
    assert reverse("account_signup") in page


def test_an_unknown_url_gets_the_404_page(client):
    response = client.get("/no/such/page")
    assert response.status_code == 404
    assert "There is nothing at this address" in response.text


def test_the_500_page_renders_without_a_request():
    assert "Something went wrong" in render_to_string("500.html")


def test_robots_are_kept_out_of_the_account_pages():
    assert "Disallow: /accounts/" in Client().get("/robots.txt").text


def test_security_txt_names_the_contact(settings):
    client = Client()
    assert client.get("/.well-known/security.txt").status_code == 404
    settings.SECURITY_CONTACT = "security@example.com"
    text = client.get("/.well-known/security.txt").text
    assert "Contact: mailto:security@example.com\n" in text
    assert "Expires: 20" in text


def test_password_managers_find_the_page_that_changes_the_password():
    url = Client().get("/.well-known/change-password")["Location"]
    assert url == reverse("account_change_password")


def test_error_pages_have_the_site_s_style(client, settings):
    settings.ALLOWED_HOSTS = ["testserver"]
    assert "site.css" in client.get("/", headers={"host": "evil.example"}).text
    browser = Client(enforce_csrf_checks=True)
    refused = browser.post(reverse("account_login"))
    assert refused.status_code == 403
    assert "came from another site" in refused.text
    for name in ("403", "404", "429"):
        assert "site.css" in render_to_string(f"{name}.html")
