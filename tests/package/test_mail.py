import socket

import pytest
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend

from paas.accounts.mail import send
from paas.checks.mail import check_mail, check_smtp_port, check_verification
from paas.env import SMTP, mailers, sends_mail, smtp_options


@pytest.mark.parametrize(
    ("url", "host", "port", "password", "tls"),
    [
        ("smtps://ada:p%40ss@smtp.example.com", "smtp.example.com", 465, "p@ss", True),
        ("smtp://ada:pass@localhost:2525", "localhost", 2525, "pass", False),
    ],
)
def test_email_url_sets_the_options_of_the_smtp_backend(url, host, port, password, tls):
    server = EmailBackend(**smtp_options(url), alias="default")
    assert (server.host, server.port, server.password) == (host, port, password)
    assert (server.use_ssl, server.use_tls) == (tls, not tls)


@pytest.mark.parametrize(
    ("changes", "messages"),
    [
        ({"MAILERS": {}}, ["EMAIL_URL is not set, so no mail is sent."]),
        (
            {"DEFAULT_FROM_EMAIL": "webmaster@localhost"},
            ["DEFAULT_FROM_EMAIL is not set, so mail servers may reject the mail."],
        ),
        ({"DEFAULT_FROM_EMAIL": "site@example.com"}, []),
    ],
)
def test_the_deploy_check_reports_what_email_lacks(settings, changes, messages):
    for name, value in changes.items():
        setattr(settings, name, value)
    assert [info.msg for info in check_mail()] == messages


@pytest.fixture
def listener():
    """A socket that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_a_mail_server_that_hangs_or_is_down_is_logged_and_raises_nothing(
    settings, listener, events, monkeypatch
):
    monkeypatch.setattr("paas.env.SMTP_TIMEOUT", 0.2)
    port = listener.getsockname()[1]
    message = EmailMessage("A subject", "secret link", "site@example.com", ["ada@example.com"])
    for url in (f"smtp://127.0.0.1:{port}", "smtp://127.0.0.1:1"):
        settings.MAILERS = {"default": {"BACKEND": SMTP, "OPTIONS": smtp_options(url)}}
        send(message)
    logged = [event for event in events() if event["event"] == "mail not sent"]
    assert [event["reason"].partition(":")[0] for event in logged] == [
        "SMTPServerDisconnected",
        "ConnectionRefusedError",
    ]
    assert "secret link" not in str(logged)
    assert "ada@example.com" not in str(logged)


class ServiceError(Exception):
    """Of a service's API, as django-anymail's: no OSError."""


class ServiceBackend(BaseEmailBackend):
    def send_messages(self, messages):
        raise ServiceError("unknown recipient")


def test_an_error_of_a_mail_service_s_api_is_logged_and_raises_nothing(settings, events):
    settings.MAILERS = {"default": {"BACKEND": f"{__name__}.ServiceBackend"}}
    send(EmailMessage("A subject", "body", "site@example.com", ["ada@example.com"]))
    [event] = events()
    assert event["reason"] == "ServiceError: unknown recipient"


@pytest.mark.parametrize(
    ("backend", "goes_out"),
    [
        (SMTP, True),
        ("anymail.backends.mailgun.EmailBackend", True),
        *(
            (SMTP.replace("smtp", name), False)
            for name in ("console", "dummy", "filebased", "locmem")
        ),
        ("", False),
    ],
)
def test_addresses_can_be_confirmed_if_mail_goes_out(settings, backend, goes_out):
    settings.MAILERS = {"default": {"BACKEND": backend}} if backend else {}
    settings.ACCOUNT_EMAIL_VERIFICATION = "optional"
    assert sends_mail(settings.MAILERS) is goes_out
    assert [info.id for info in check_verification()] == ["paas.I005"] * goes_out
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    assert check_verification() == []


@pytest.mark.parametrize(
    ("platform", "url", "blocked"),
    [
        *(("digitalocean", f"smtp://mail.example.com:{port}", port) for port in (25, 465, 587)),
        ("digitalocean", "smtp://mail.example.com", 587),
        ("digitalocean", "smtps://mail.example.com", 465),
        ("digitalocean", "smtp://mail.example.com:2525", None),
        ("digitalocean", "smtps://localhost:465", None),
        ("heroku", "smtp://mail.example.com", None),
    ],
)
def test_a_port_that_the_platform_blocks_is_named(settings, platform, url, blocked):
    settings.DEBUG, settings.PLATFORM = False, f"paas.platforms.{platform}"
    settings.MAILERS = mailers(url, debug=False)
    messages = [f"App Platform blocks port {blocked} of mail servers"] * bool(blocked)
    assert [info.msg.partition(" for")[0] for info in check_smtp_port()] == messages


def test_without_a_mail_server_the_log_says_so(settings, events):
    settings.MAILERS = {}
    send(EmailMessage("A subject", "body", "site@example.com", ["ada@example.com"]))
    [event] = events()
    assert event["reason"] == "EMAIL_URL is not set"
