import pytest

from paas.mail import EmailBackend
from paas.mail_checks import check_mail


@pytest.mark.parametrize(
    ("url", "host", "port", "password", "tls"),
    [
        ("smtps://ada:p%40ss@smtp.example.com", "smtp.example.com", 465, "p@ss", True),
        ("smtp://ada:pass@localhost:2525", "localhost", 2525, "pass", False),
    ],
)
def test_email_url_sets_the_options_of_the_smtp_backend(url, host, port, password, tls):
    server = EmailBackend(url, alias="default")
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
def test_the_deploy_check_reports_what_e_mail_lacks(settings, changes, messages):
    for name, value in changes.items():
        setattr(settings, name, value)
    assert [info.msg for info in check_mail()] == messages
