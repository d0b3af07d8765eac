from django.contrib.auth import get_user
from django.urls import reverse

from users.models import User

PASSWORD = "a long enough passphrase"


def test_signing_up_creates_an_account_and_logs_in(client, db):
    answers = {"username": "ada", "email": "ada@example.com"}
    response = client.post(
        reverse("signup"), answers | {"password1": PASSWORD, "password2": PASSWORD}
    )
    assert response.status_code == 302
    assert get_user(client) == User.objects.get(username="ada", email="ada@example.com")


def test_a_weak_password_is_refused(client, db):
    response = client.post(
        reverse("signup"), {"username": "ada", "password1": "12345678", "password2": "12345678"}
    )
    assert response.status_code == 200
    assert not User.objects.exists()


def test_logging_in_and_out(client, user):
    client.post(reverse("login"), {"username": "ada", "password": "correct horse"})
    assert get_user(client) == user
    client.post(reverse("logout"))
    assert get_user(client).is_anonymous


def test_a_wrong_password_says_so(client, user):
    response = client.post(reverse("login"), {"username": "ada", "password": "wrong"})
    assert "Please enter a correct username and password" in response.text


def test_logging_out_takes_a_post(client, user):
    client.force_login(user)
    assert client.get(reverse("logout")).status_code == 405


def test_changing_the_password(client, user):
    client.force_login(user)
    answers = {"new_password1": PASSWORD, "new_password2": PASSWORD}
    response = client.post(
        reverse("password_change"), answers | {"old_password": "correct horse"}, follow=True
    )
    assert "Your password was changed." in response.text
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_every_account_page_renders(client, user):
    for name in ("signup", "login"):
        assert client.get(reverse(name)).status_code == 200
    client.force_login(user)
    assert client.get(reverse("password_change")).status_code == 200


def test_the_admin_lists_users(admin_client, user):
    assert "ada" in admin_client.get(reverse("admin:users_user_changelist")).text
