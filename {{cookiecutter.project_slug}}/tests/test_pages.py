import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import escape


def test_home_page_names_the_site_and_offers_an_account(client, db):
    response = client.get(reverse("home"))
    assert response.status_code == 200
    assert response.context["site_title"] == settings.SITE_NAME
    assert reverse("account_signup") in response.text


def test_home_page_says_what_the_site_is_for(client, db, settings):
    settings.SITE_DESCRIPTION = "Books & more"
    page = client.get(reverse("home")).text
    assert '<p class="lead" dir="auto">Books &amp; more</p>' in page
    assert '<meta name="description" content="Books &amp; more">' in page


def test_a_site_without_a_description_has_none_to_show(client, db, settings):
    settings.SITE_DESCRIPTION = ""
    page = client.get(reverse("home")).text
    assert page.count('class="lead"') == 1
    assert 'name="description"' not in page


@pytest.mark.parametrize("name", ["home", "account_login", "account_signup"])
def test_every_page_has_the_site_name_in_its_title_and_header(client, db, name):
    page = client.get(reverse(name)).text
    assert f"{escape(settings.SITE_NAME)}</title>" in page
    assert f'href="/">{escape(settings.SITE_NAME)}</a>' in page


def test_an_unknown_url_gets_the_404_page(client, db):
    response = client.get("/no/such/page")
    assert response.status_code == 404
    assert "There is nothing at this address" in response.text


def test_the_500_page_renders_without_a_request():
    assert "Something went wrong" in render_to_string("500.html")
