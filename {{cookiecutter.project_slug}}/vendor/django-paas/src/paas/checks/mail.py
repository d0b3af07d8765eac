"""Deploy checks that only inform: a site may go live without email."""

from django.core.checks import Info, register

from paas.conf import settings


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
