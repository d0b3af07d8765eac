"""Reports what e-mail lacks. A site may go live without it, so these are not errors."""

from django.conf import settings
from django.core.checks import Info, register


@register(deploy=True)
def check_mail(app_configs=None, **kwargs) -> list[Info]:
    if not settings.MAILERS:
        return [Info("EMAIL_URL is not set, so no mail is sent.", id="paas.I002")]
    if settings.DEFAULT_FROM_EMAIL == "webmaster@localhost":
        sentence = "DEFAULT_FROM_EMAIL is not set, so mail servers may refuse what is sent."
        return [Info(sentence, id="paas.I003")]
    return []
