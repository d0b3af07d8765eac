import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import escape


@pytest.fixture
def home(client, user):
    """A function that returns the home page of a user who is logged in."""
    client.force_login(user)
    return lambda: client.get(reverse("home")).text


def test_the_home_page_names_the_site(home):
    assert f"{escape(settings.SITE_NAME)}</title>" in home()


def test_visitors_do_not_see_the_next_steps_of_development(home):
    assert "manage.py" not in home()


def test_an_unknown_url_gets_the_404_page(client, user):
    client.force_login(user)
    response = client.get("/no/such/page")
    assert response.status_code == 404
    assert "There is nothing at this address" in response.text


def test_the_500_page_renders_without_a_request():
    assert "Something went wrong" in render_to_string("500.html")
