"""Small pages of every site, and pages of errors."""

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse


@pytest.mark.parametrize("name", ["account_login", "account_signup"])
def test_visitors_see_the_site_s_name_and_are_offered_an_account(client, db, name, settings):
    settings.SITE_NAME = "Books & more"
    page = client.get(reverse(name)).text
    assert "Books &amp; more</title>" in page
    assert reverse("account_signup") in page


def test_robots_are_kept_out_of_the_account_pages(client):
    assert "Disallow: /accounts/" in client.get("/robots.txt").text


def test_security_txt_names_the_contact(client, settings):
    assert client.get("/.well-known/security.txt").status_code == 404
    settings.SECURITY_CONTACT = "security@example.com"
    text = client.get("/.well-known/security.txt").text
    assert "Contact: mailto:security@example.com\n" in text
    assert "Expires: 20" in text


def test_password_managers_find_the_page_that_changes_the_password(client):
    url = client.get("/.well-known/change-password")["Location"]
    assert url == reverse("account_change_password")


def test_a_host_that_is_not_allowed_gets_the_page_400(client, settings):
    settings.ALLOWED_HOSTS = ["testserver"]
    response = client.get("/", headers={"host": "evil.example"})
    assert response.status_code == 400
    assert "did not understand this request" in response.text


def test_a_form_of_another_site_gets_a_page_that_says_so():
    browser = Client(enforce_csrf_checks=True)
    response = browser.post(reverse("account_login"))
    assert response.status_code == 403
    assert "came from another site" in response.text


@pytest.mark.parametrize("name", ["403", "429"])
def test_error_pages_extend_the_project_s_base(name):
    assert "<header>" in render_to_string(f"{name}.html")
