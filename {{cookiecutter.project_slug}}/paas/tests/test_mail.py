import pytest

from paas.mail import EmailBackend


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
