import socket

import pytest
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

from paas.accounts.mail import send
from paas.checks.mail import check_mail
from paas.env import smtp_options

SMTP = "django.core.mail.backends.smtp.EmailBackend"


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


def test_a_mail_server_that_hangs_or_refuses_is_logged_and_raises_nothing(
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


def test_without_a_mail_server_the_log_says_so(settings, events):
    settings.MAILERS = {}
    send(EmailMessage("A subject", "body", "site@example.com", ["ada@example.com"]))
    [event] = events()
    assert event["reason"] == "EMAIL_URL is not set"
