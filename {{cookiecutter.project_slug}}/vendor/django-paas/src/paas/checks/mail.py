"""Deploy checks of email. They only inform: a site may go live without it."""

from importlib import import_module
from typing import Any

from django.core.checks import Info, register
from django.core.mail import mailers

from paas.conf import settings
from paas.db.url import is_loopback
from paas.env import SMTP, sends_mail

PORT_IS_BLOCKED = "{} blocks port {} of mail servers for most accounts: no mail would arrive."
USE_ANOTHER = "Ask the mail service for another port: EMAIL_URL=smtp://user:password@host:2525."


@register(deploy=True)
def check_smtp_port(app_configs=None, **kwargs) -> list[Info]:
    platform = import_module(settings.PLATFORM)
    mailer = getattr(settings, "MAILERS", {}).get("default", {})
    if mailer.get("BACKEND") != SMTP or settings.DEBUG:
        return []
    server: Any = mailers["default"]  # knows the default port
    is_blocked = server.port in getattr(platform, "BLOCKED_SMTP_PORTS", ())
    if not is_blocked or is_loopback(server.host):
        return []
    message = PORT_IS_BLOCKED.format(platform.NAME, server.port)
    return [Info(message, hint=USE_ANOTHER, id="paas.I006")]


@register(deploy=True)
def check_verification(app_configs=None, **kwargs) -> list[Info]:
    """For MAILERS set below ACCOUNT_EMAIL_VERIFICATION, whose default is then the one without mail."""
    verification = getattr(settings, "ACCOUNT_EMAIL_VERIFICATION", "mandatory")
    if verification != "optional" or not sends_mail(getattr(settings, "MAILERS", {})):
        return []
    message = "ACCOUNT_EMAIL_VERIFICATION is 'optional': an account may have another's address."
    return [Info(message, hint="Mail is sent, so set it to 'mandatory'.", id="paas.I005")]


@register(deploy=True)
def check_mail(app_configs=None, **kwargs) -> list[Info]:
    if not hasattr(settings, "MAILERS"):  # a project with Django's older settings of email
        return []
    if not settings.MAILERS:
        return [Info("EMAIL_URL is not set, so no mail is sent.", id="paas.I002")]
    if settings.DEFAULT_FROM_EMAIL == "webmaster@localhost":
        message = "DEFAULT_FROM_EMAIL is not set, so mail servers may reject the mail."
        return [Info(message, id="paas.I003")]
    return []
