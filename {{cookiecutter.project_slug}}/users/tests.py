"""The project's own parts of accounts; django-paas has the tests of the pages."""

import pytest
from django.contrib.auth import get_user
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.urls import reverse

from users.models import User


def test_usernames_ignore_case(user):
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
