"""What is this project's own of accounts. The pages have their tests in django-paas."""

import pytest
from django.contrib.auth import get_user
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.urls import reverse

from users.models import User


def test_user_names_are_unique_in_any_case(user):
    with pytest.raises(ValidationError, match="already exists"):
        User(username="ADA").validate_constraints()
    with pytest.raises(IntegrityError):
        User.objects.create_user("ADA")


def test_the_admin_lists_users(admin_client, user):
    assert "ada" in admin_client.get(reverse("admin:users_user_changelist")).text


PASSWORD = "a long enough passphrase"


def test_signing_up_creates_a_user_and_logs_in(client, db):
    data = {"username": "ada", "email": "ada@example.com"}
    client.post(reverse("account_signup"), data | {"password1": PASSWORD, "password2": PASSWORD})
    assert get_user(client) == User.objects.get(email="ada@example.com")


@pytest.mark.parametrize("name", ["ada", "ADA", "ada@example.com"])
def test_logging_in_and_out(client, user, name):
    client.post(reverse("account_login"), {"login": name, "password": "correct horse"})
    assert get_user(client) == user
    client.post(reverse("account_logout"))
    assert get_user(client).is_anonymous


def test_the_account_page_has_the_site_s_header(client, user):
    client.force_login(user)
    page = client.get(reverse("account")).text
    assert reverse("home") in page
    assert "ada@example.com" in page
