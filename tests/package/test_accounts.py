import re
import time

import pytest
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from axes.models import AccessAttempt, AccessLog
from django.contrib.auth import get_user
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.cache import cache
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from example.models import User
from paas.accounts.forms import LoginForm, UsernameForm

PASSWORD = "a long enough passphrase"
PASSWORDS = {"password1": PASSWORD, "password2": PASSWORD}


@pytest.mark.parametrize("password", ["x7#kQ2", "trustno1", "83746501923", "ada@example.com"])
def test_a_weak_password_is_rejected(client, db, password):
    data = {"username": "ada", "email": "ada@example.com"}
    response = client.post(
        reverse("account_signup"), data | {"password1": password, "password2": password}
    )
    assert response.status_code == 200
    assert not User.objects.exists()


@pytest.mark.parametrize("name", ["ada", "nobody"])
def test_a_wrong_password_and_an_unknown_username_get_the_same_response(
    client, user, name, monkeypatch
):
    hashed, encode = [], MD5PasswordHasher.encode

    def count(hasher, password, salt):
        hashed.append(password)
        return encode(hasher, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", count)
    response = client.post(reverse("account_login"), {"login": name, "password": "wrong"})
    assert "The username and/or password you specified are not correct." in response.text
    # Hashing takes most of a login's time: without it, the response for an unknown name is faster.
    assert hashed == ["wrong"]


def test_changing_the_password_starts_a_new_session_and_ends_the_others(client, user):
    other = Client()
    for browser in (client, other):
        browser.force_login(user)
    before = client.session.session_key
    client.post(reverse("account_change_password"), PASSWORDS | {"oldpassword": "correct horse"})
    assert get_user(client) == user
    assert client.session.session_key != before
    assert get_user(other).is_anonymous


def test_every_account_page_renders(client, user):
    for name in ("account_signup", "account_login", "account_reset_password"):
        assert client.get(reverse(name)).status_code == 200
    own = ["account", "account_username", "account_email", "account_change_password", "mfa_index"]
    own += ["account_delete", "usersessions_list", "mfa_list_webauthn", "account_reauthenticate"]
    for name in own:
        assert client.get(reverse(name)).url.startswith(reverse("account_login")), name
    client.force_login(user)
    confirm_password(client)
    for name in own:
        assert client.get(reverse(name)).status_code == 200, name


@pytest.fixture
def sign_up(client, db):
    """Sign up with that user name; returns the response."""

    def send(username="grace", email="grace@example.com", **headers):
        data = {"username": username, "email": email} | PASSWORDS
        return client.post(reverse("account_signup"), data, **headers)

    return send


REJECTED_NAMES = ["admin", "Support", "аda", "ada@example.com", "a b", "-ada"]


@pytest.mark.parametrize("login", ["ADA", "ada@example.com", "Ada@Example.COM"])
def test_login_by_email_address_or_by_name_ignoring_case(client, user, login):
    client.post(reverse("account_login"), {"login": login, "password": "correct horse"})
    assert get_user(client) == user


def test_another_s_unconfirmed_address_does_not_get_in_the_way_of_its_owner(client, user):
    User.objects.create_user("mallory", user.email, PASSWORD)
    client.post(reverse("account_login"), {"login": user.email, "password": "correct horse"})
    assert get_user(client) == user


def test_a_confirmed_address_is_its_owner_s_although_another_account_is_older(client, user):
    owner = User.objects.create_user("owner", user.email, PASSWORD)
    EmailAddress.objects.create(user=user, email=user.email, primary=True)
    EmailAddress.objects.create(user=owner, email=user.email, primary=True, verified=True)
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    assert get_user(client) == owner


def test_a_sign_up_that_fails_leaves_no_account(sign_up, client, monkeypatch):
    monkeypatch.setattr(EmailAddress, "save", None)
    with pytest.raises(TypeError):
        sign_up()
    assert not User.objects.exists()


def test_signing_up_has_a_limit_per_ip(sign_up, client, settings):
    for number in range(20):
        assert sign_up(f"user{number}", f"user{number}@example.com").status_code == 302
        client.logout()
    response = sign_up("one_more")
    assert response.status_code == 429
    assert "Too many" in response.text
    assert sign_up("one_more", REMOTE_ADDR="198.51.100.1").status_code == 302


def test_ipv4_addresses_in_ipv6_form_are_not_one_network(rf):
    """allauth counts the first 64 bits of an IPv6 address, which all of these share."""
    request = rf.get("/", REMOTE_ADDR="::ffff:192.0.2.1")
    assert get_adapter().get_client_ip(request) == "192.0.2.1"


@pytest.mark.parametrize(
    ("name", "data", "statuses"),
    [
        ("account_reset_password", {"email": "ada@example.com"}, [302] * 3 + [429]),
        ("account_email", {"email": "ada{}@example.com", "action_add": ""}, [302] * 10 + [429]),
        # Reserved, so that the user keeps a name.
        ("account_username", {"username": "admin"}, [200] * 10 + [429]),
    ],
)
def test_forms_that_send_mail_or_reveal_names_have_a_limit(client, logged_in, name, data, statuses):
    for number, status in enumerate(statuses):
        sent = {key: value.format(number) for key, value in data.items()}
        assert client.post(reverse(name), sent).status_code == status


def confirm_password(client) -> None:
    client.post(reverse("account_reauthenticate"), {"password": "correct horse"})


@pytest.fixture
def logged_in(client, user):
    """The user, who has just logged in and entered the password again."""
    client.post(reverse("account_login"), {"login": "ada", "password": "correct horse"})
    confirm_password(client)
    return user


def test_sign_up_can_be_closed(sign_up, client, settings):
    settings.SIGN_UP = "closed"
    assert "by invitation" in sign_up().text
    assert not User.objects.exists()
    for name in ("home", "account_login", "account_reset_password"):
        assert reverse("account_signup") not in client.get(reverse(name)).text


@pytest.fixture
def mandatory(settings):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"


def links(mail) -> list[str]:
    return re.findall(r"https?://testserver(\S+)", mail.body)


def test_a_new_account_is_confirmed_by_mail_before_its_first_login(
    sign_up, client, mandatory, mailoutbox
):
    sign_up()
    assert get_user(client).is_anonymous
    assert "grace" not in mailoutbox[-1].body.replace("grace@example.com", "")
    [link] = links(mailoutbox[-1])
    assert client.post(link).status_code == 302
    client.post(reverse("account_login"), {"login": "grace", "password": PASSWORD})
    assert get_user(client).username == "grace"


def test_a_new_account_is_confirmed_by_the_mailed_code(
    sign_up, client, mandatory, settings, mailoutbox
):
    settings.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
    page = sign_up().url
    [code] = re.findall(r"^([A-Z0-9]{3,}-?[A-Z0-9]{3,})$", mailoutbox[-1].body, re.MULTILINE)
    assert page == reverse("account_email_verification_sent")
    client.post(page, {"code": code})
    assert EmailAddress.objects.get().verified


@pytest.mark.parametrize(
    "attributes", [{"last_login": timezone.now()}, {"is_staff": True}, {"email": ""}]
)
def test_an_account_of_the_admin_or_from_before_needs_no_confirmation(
    client, user, mandatory, attributes
):
    User.objects.filter(pk=user.pk).update(**attributes)
    client.post(reverse("account_login"), {"login": "ada", "password": "correct horse"})
    assert get_user(client) == user


def test_a_sign_up_with_a_confirmed_email_address_mails_its_owner(
    sign_up, user, mandatory, mailoutbox
):
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    sign_up("eve", user.email)
    assert "an account using that email address already exists" in mailoutbox[0].body


@pytest.mark.parametrize(
    ("prevents", "accounts", "says"),
    [("strict", 2, ""), (True, 1, "is already"), (False, 1, "is already")],
)
def test_a_registered_address_is_signed_up_again_as_allauth_is_told(
    sign_up, user, settings, prevents, accounts, says
):
    settings.ACCOUNT_PREVENT_ENUMERATION = prevents
    assert says in sign_up("eve", user.email).text
    assert User.objects.count() == accounts


def test_by_user_name_only_an_address_logs_nobody_in(client, user, settings):
    settings.ACCOUNT_LOGIN_METHODS = {"username"}
    for login, opens in ((user.email, False), ("ADA", True)):
        client.post(reverse("account_login"), {"login": login, "password": "correct horse"})
        assert get_user(client).is_authenticated == opens
    assert "email" not in str(LoginForm().fields["login"].label)


def test_the_login_page_offers_a_code_by_mail_if_allauth_sends_it():
    page = {"form": LoginForm(), "request_login_code_url": "/code/"}
    assert "/code/" not in render_to_string("account/login.html", page)
    assert "/code/" in render_to_string(
        "account/login.html", page | {"LOGIN_BY_CODE_ENABLED": True}
    )


def test_a_mail_needs_no_request(db, settings, mailoutbox):
    """As in a task, or a command."""
    settings.ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
    code = {"code": "ABC-DEF", "user": None}
    get_adapter().send_mail("account/email/email_confirmation", "ada@example.com", code)
    assert "an account at Example" in mailoutbox[0].body


def test_a_password_is_reset_by_mail(client, user, mailoutbox):
    known = client.post(reverse("account_reset_password"), {"email": "ADA@example.com"})
    unknown = client.post(reverse("account_reset_password"), {"email": "eve@example.com"})
    assert (known.status_code, known.url) == (unknown.status_code, unknown.url)
    assert [mail.to for mail in mailoutbox] == [["ada@example.com"], ["eve@example.com"]]
    form = client.get(links(mailoutbox[0])[0]).url
    client.post(form, PASSWORDS)
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


@pytest.mark.parametrize("name", [*REJECTED_NAMES, "grace", "GRACE", ""])
def test_a_new_user_name_follows_the_rules_of_sign_up(client, logged_in, name):
    User.objects.create_user("grace")
    page = client.post(reverse("account_username"), {"username": name})
    assert "errorlist" in page.text
    assert page.context["user"].username == "ada"
    assert get_user(client).username == "ada"


@pytest.mark.parametrize("name", ["ADA", "lovelace"])
def test_a_user_name_can_be_changed(client, logged_in, name):
    page = client.post(reverse("account_username"), {"username": name}, follow=True)
    assert f"You are {name}, ada@example.com." in page.text
    client.logout()
    client.post(reverse("account_login"), {"login": name, "password": "correct horse"})
    assert get_user(client) == logged_in


def test_known_ips_stay_known_when_the_user_name_changes(client, logged_in):
    client.post(reverse("account_username"), {"username": "lovelace"})
    assert AccessLog.objects.get().username == "lovelace"


def test_a_user_name_taken_after_validation_is_a_form_error(client, logged_in, monkeypatch):
    User.objects.create_user("grace")
    monkeypatch.setattr(UsernameForm, "validate_unique", lambda form: None)
    monkeypatch.setattr(UsernameForm, "validate_constraints", lambda form: None)
    page = client.post(reverse("account_username"), {"username": "grace"})
    assert page.status_code == 200
    assert "already exists" in page.text
    assert get_user(client).username == "ada"


def test_a_new_address_replaces_the_old_one_once_it_is_confirmed(client, logged_in, mailoutbox):
    user = logged_in
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    form = {"email": "new@example.com", "action_add": ""}
    page = client.post(reverse("account_email"), form, follow=True)
    assert "Yours is ada@example.com." in page.text
    assert "new@example.com is not confirmed yet: open the link" in page.text
    [mail] = [mail for mail in mailoutbox if mail.to == ["new@example.com"]]
    client.post(links(mail)[0])
    user.refresh_from_db()
    assert user.email == "new@example.com"
    assert "Yours is new@example.com." in client.get(reverse("account_email")).text


def test_deleting_the_account_requires_the_password(client, user):
    client.post(reverse("account_login"), {"login": "ada", "password": "correct horse"})
    session = client.session
    assert AccessLog.objects.exists()
    assert reverse("account_reauthenticate") in client.post(reverse("account_delete")).url
    assert User.objects.filter(pk=user.pk).exists()
    confirm_password(client)
    assert "was deleted" in client.post(reverse("account_delete"), follow=True).text
    assert not User.objects.filter(pk=user.pk).exists()
    assert not session.exists(session.session_key)
    assert not AccessLog.objects.exists()


def test_the_password_is_that_of_the_user_and_not_of_another_with_the_address(client, user):
    """Both addresses are unconfirmed, and the other account is older."""
    younger = User.objects.create_user("bob", user.email, PASSWORD)
    EmailAddress.objects.create(user=user, email=user.email, primary=True)
    EmailAddress.objects.create(user=younger, email=user.email, primary=True)
    client.force_login(younger, "paas.accounts.lockout.Backend")
    data = {"password": PASSWORD}
    assert client.post(reverse("account_reauthenticate"), data).status_code == 302


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("account_email", {"email": "thief@example.com", "action_add": ""}),
        ("account_username", {"username": "thief"}),
    ],
)
def test_changing_the_address_or_the_user_name_requires_the_password(
    client, user, mailoutbox, name, data
):
    client.force_login(user, "paas.accounts.lockout.Backend")
    assert reverse("account_reauthenticate") in client.post(reverse(name), data).url
    assert mailoutbox == []
    assert get_user(client).username == "ada"


@pytest.fixture
def totp(client, user, settings):
    """Set up a second factor; returns a function that gives the code of now."""
    settings.MFA_TOTP_TOLERANCE = 1  # the next code may begin meanwhile
    client.force_login(user, "paas.accounts.lockout.Backend")
    confirm_password(client)
    page = client.get(reverse("mfa_activate_totp"))
    assert "<svg" in page.text
    assert "data:image" not in page.text
    secret = page.context["form"].secret

    def code() -> str:
        cache.clear()  # a code is accepted once
        return format_hotp_value(hotp_value(secret, int(time.time()) // 30))

    response = client.post(reverse("mfa_activate_totp"), {"code": code()})
    assert response.url == reverse("mfa_view_recovery_codes")
    return code


def test_a_second_factor_is_asked_for_after_the_password(client, user, totp):
    client.logout()
    data = {"login": "ada", "password": "correct horse"}
    assert client.post(reverse("account_login"), data).url == reverse("mfa_authenticate")
    assert get_user(client).is_anonymous
    for _ in range(5):
        client.post(reverse("mfa_authenticate"), {"code": "000000"})
    page = client.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert "Too many failed login attempts" in page.text
    cache.clear()
    client.post(reverse("mfa_authenticate"), {"code": totp()})
    assert get_user(client) == user


def test_staff_enter_the_admin_with_their_second_factor(client, user, totp, settings):
    settings.STAFF_NEEDS_SECOND_FACTOR = True
    User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)
    form = client.get(reverse("admin:index"), follow=True)
    assert form.request["PATH_INFO"] == reverse("mfa_reauthenticate")
    data = {"code": totp(), "next": reverse("admin:index")}
    entered = client.post(reverse("mfa_reauthenticate"), data, follow=True)
    assert entered.request["PATH_INFO"] == reverse("admin:index")
    assert settings.SITE_NAME in entered.text


def test_a_passkey_needs_a_pin_or_the_like(client, logged_in):
    """It takes the place of the password: a person who finds the device must not be able to use it."""
    options = client.get(reverse("mfa_add_webauthn")).context["js_data"]["creation_options"]
    assert options["publicKey"]["authenticatorSelection"]["userVerification"] == "required"


def test_the_admin_invites_by_mail(admin_client, client, mailoutbox, mandatory):
    data = {"username": "bob", "email": "Bob@example.com", "usable_password": "false"}
    admin_client.post(reverse("admin:example_user_add"), data)
    [mail] = mailoutbox
    form = client.get(links(mail)[0]).url
    client.post(form, PASSWORDS)
    client.post(reverse("account_login"), {"login": "bob@example.com", "password": PASSWORD})
    assert get_user(client).username == "bob"


def test_an_address_that_the_admin_changes_replaces_the_old_one(admin_client, user, client):
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    url = reverse("admin:example_user_change", args=[user.pk])
    form = admin_client.get(url).context["adminform"].form
    data = {name: value for name, value in form.initial.items() if value and name != "password"}
    joined = timezone.localtime(user.date_joined)
    data |= {"date_joined_0": joined.date(), "date_joined_1": joined.time().replace(microsecond=0)}
    assert admin_client.post(url, data | {"email": "New@example.com"}).status_code == 302
    [address] = EmailAddress.objects.filter(user=user)
    assert (address.email, address.primary, address.verified) == ("new@example.com", True, True)


def test_the_admin_shows_no_secret_of_a_second_factor(admin_client, user):
    factor = Authenticator.objects.create(user=user, type="totp", data={"secret": "JBSWY3DP"})
    page = admin_client.get(reverse("admin:mfa_authenticator_change", args=[factor.pk]))
    assert page.status_code == 200
    assert "JBSWY3DP" not in page.text
    with pytest.raises(NoReverseMatch):
        reverse("admin:account_emailaddress_changelist")


def test_the_account_s_own_address_cannot_be_deleted(client, logged_in):
    own = {"email": logged_in.email, "primary": True, "verified": True}
    EmailAddress.objects.create(user=logged_in, **own)
    client.post(reverse("account_email"), {"email": logged_in.email, "action_remove": ""})
    EmailAddress.objects.create(user=logged_in, email="victim@example.com")
    client.post(reverse("account_email"), {"email": "victim@example.com", "action_primary": ""})
    logged_in.refresh_from_db()
    assert logged_in.email == "ada@example.com"


@pytest.mark.django_db(transaction=True)  # as the mails are sent after the commit
def test_notifications_have_a_limit_and_no_text_of_strangers(client, user, totp, mailoutbox):
    EmailAddress.objects.create(user=user, email=user.email, primary=True)
    for _ in range(25):
        agent = {"user-agent": "Visit evil.example"}
        client.post(reverse("mfa_generate_recovery_codes"), headers=agent)
    # The limit is of the address, whichever account has it.
    other = User.objects.create_user("bob", user.email, "correct horse")
    client.force_login(other, "paas.accounts.lockout.Backend")
    data = {"oldpassword": "correct horse"} | PASSWORDS
    assert client.post(reverse("account_change_password"), data).status_code == 302
    bodies = [mail.body for mail in mailoutbox if "was changed" in mail.body]
    assert len(bodies) == 20
    assert "recovery codes" in bodies[-1]
    assert "evil.example" not in str(bodies)
    # But not of who has confirmed it.
    EmailAddress.objects.update(verified=True)
    client.force_login(user, "paas.accounts.lockout.Backend")
    client.post(reverse("account_change_password"), data)
    assert "password has been changed" in mailoutbox[-1].body


def test_a_redirect_after_the_login_stays_on_this_host(client, user, settings):
    settings.ALLOWED_HOSTS = ["testserver", ".example.com"]
    data = {"login": "ada", "password": "correct horse", "next": "https://evil.example.com/"}
    assert client.post(reverse("account_login"), data).url.startswith("/")


def test_an_address_that_is_too_long_is_a_form_error(client, logged_in):
    data = {"email": f"{'a' * 60}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}", "action_add": ""}
    assert "at most 254 characters" in client.post(reverse("account_email"), data).text


def test_wrong_old_passwords_count_for_the_lockout(client, user):
    client.force_login(user, "paas.accounts.lockout.Backend")
    data = {"oldpassword": "wrong"} | PASSWORDS
    statuses = [client.post(reverse("account_change_password"), data).status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 200, 429]
    stored = AccessAttempt.objects.get().post_data
    assert "wrong" not in stored
    assert PASSWORD not in stored
    data["oldpassword"] = "correct horse"
    assert client.post(reverse("account_change_password"), data).status_code == 429
    page = reverse("account_change_password")
    assert client.get(reverse("admin:password_change")).url == page


def test_the_admin_uses_the_same_login_page(client):
    login = reverse("account_login")
    last_url, _ = client.get(reverse("admin:index"), follow=True).redirect_chain[-1]
    assert last_url.startswith(f"{login}?next=")
    # Django's own form would have no second factor.
    assert client.post(reverse("admin:login"), {"username": "a"}).url.startswith(login)


def test_limits_are_counted_in_the_database(sign_up):
    sign_up()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM cache WHERE cache_key LIKE '%signup%'")
        assert cursor.fetchone() == (1,)
