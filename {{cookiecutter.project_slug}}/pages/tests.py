import pytest
from django.conf import settings
from django.urls import reverse
from django.utils.html import escape


@pytest.fixture
def home(client, user):
    """A function that returns the home page of a user who is logged in."""
    client.force_login(user)
    return lambda: client.get(reverse("home")).text


def test_the_home_page_names_the_site(home):
    assert f"{escape(settings.SITE_NAME)}</title>" in home()


def test_only_development_has_hints_for_developers(home):
    assert "startapp" not in home()
