import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth import get_user
from django.contrib.auth.hashers import Argon2PasswordHasher, MD5PasswordHasher, make_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse

from config import settings as production
from paas.sessions import SessionStore
from users.hashers import Argon2
from users.models import User

PASSWORD = "a long enough passphrase"


def test_signing_up_creates_an_account_and_logs_in(client, db):
    data = {"username": "ada", "email": "ada@example.com"}
    response = client.post(reverse("signup"), data | {"password1": PASSWORD, "password2": PASSWORD})
    assert response.status_code == 302
    assert get_user(client) == User.objects.get(username="ada", email="ada@example.com")


def test_usernames_are_unique_regardless_of_case(client, user):
    data = {"username": "Ada", "password1": PASSWORD, "password2": PASSWORD}
    assert "already exists" in client.post(reverse("signup"), data).text
    with pytest.raises(ValidationError, match="already exists"):
        User(username="ADA").validate_constraints()
    with pytest.raises(IntegrityError):
        User.objects.create_user("ADA")


def test_signing_up_does_not_reveal_who_has_an_e_mail_address(client, user):
    data = {"username": "bob", "email": user.email}
    response = client.post(reverse("signup"), data | {"password1": PASSWORD, "password2": PASSWORD})
    assert get_user(client).username == "bob"
    assert response.status_code == 302


@pytest.mark.parametrize("password", ["x7#kQ2", "trustno1", "83746501923", "ada@example.com"])
def test_a_weak_password_is_refused(client, db, password):
    data = {"username": "ada", "email": "ada@example.com"}
    response = client.post(reverse("signup"), data | {"password1": password, "password2": password})
    assert response.status_code == 200
    assert not User.objects.exists()


def test_a_form_of_another_site_is_refused(db):
    browser, evil = Client(enforce_csrf_checks=True), {"origin": "https://evil.example"}
    data = {"username": "ada", "password1": PASSWORD, "password2": PASSWORD}
    assert browser.post(reverse("signup"), data, headers=evil).status_code == 403
    assert not User.objects.exists()


def test_logging_in_and_out(client, user):
    client.post(reverse("login"), {"username": "ada", "password": "correct horse"})
    assert get_user(client) == user
    client.post(reverse("logout"))
    assert get_user(client).is_anonymous


@pytest.mark.parametrize("name", ["ada", "nobody"])
def test_a_wrong_password_and_an_unknown_username_get_the_same_response(
    client, user, name, monkeypatch
):
    hashed, encode = [], MD5PasswordHasher.encode

    def count(hasher, password, salt):
        hashed.append(password)
        return encode(hasher, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", count)
    response = client.post(reverse("login"), {"username": name, "password": "wrong"})
    assert "Please enter a correct username and password" in response.text
    # Hashing takes most of a login's time: without it, the response for an unknown name is faster.
    assert hashed == ["wrong"]


def test_logging_out_requires_post(client, user):
    client.force_login(user)
    assert client.get(reverse("logout")).status_code == 405


def test_changing_the_password(client, user):
    client.force_login(user)
    data = {"new_password1": PASSWORD, "new_password2": PASSWORD}
    response = client.post(
        reverse("password_change"), data | {"old_password": "correct horse"}, follow=True
    )
    assert "Your password was changed." in response.text
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_logging_in_starts_a_new_session(client, user):
    client.session["planted"] = True
    client.session.save()
    before = client.session.session_key
    client.post(reverse("login"), {"username": "ada", "password": "correct horse"})
    assert client.session.session_key != before
    assert not client.session.exists(before)


def test_changing_the_password_starts_a_new_session_and_ends_the_others(client, user):
    other = Client()
    for browser in (client, other):
        browser.force_login(user)
    before = client.session.session_key
    data = {"new_password1": PASSWORD, "new_password2": PASSWORD}
    client.post(reverse("password_change"), data | {"old_password": "correct horse"})
    assert get_user(client) == user
    assert client.session.session_key != before
    assert get_user(other).is_anonymous


def test_an_invalid_session_cookie_is_ignored(client, db):
    assert SessionStore("abcdefgh\0").session_key is None
    client.cookies["sessionid"] = "abcdefgh\0"
    assert client.get(reverse("home")).status_code == 200


def test_passwords_are_hashed_by_argon2_with_owasp_s_parameters(settings):
    settings.PASSWORD_HASHERS = production.PASSWORD_HASHERS
    assert make_password("secret").startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize("method", ["encode", "verify"])
def test_at_most_two_passwords_are_hashed_at_a_time(method, monkeypatch):
    hasher, hash_it, running, maximum = Argon2(), getattr(Argon2PasswordHasher, method), set(), 0
    salt = hasher.salt()
    second = salt if method == "encode" else hasher.encode("secret", salt)

    def count(*arguments):
        nonlocal maximum
        running.add(threading.get_ident())
        maximum = max(maximum, len(running))
        hash_it(*arguments)
        running.discard(threading.get_ident())

    monkeypatch.setattr(Argon2PasswordHasher, method, count)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: getattr(hasher, method)("secret", second), range(16)))
    assert maximum == 2


def test_every_account_page_renders(client, user):
    for name in ("signup", "login"):
        assert client.get(reverse(name)).status_code == 200
    client.force_login(user)
    assert client.get(reverse("password_change")).status_code == 200


def test_the_admin_lists_users(admin_client, user):
    assert "ada" in admin_client.get(reverse("admin:users_user_changelist")).text
