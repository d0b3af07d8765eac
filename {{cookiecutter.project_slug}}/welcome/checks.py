"""What may well be missing when a site goes live, but should be known."""

from django.conf import settings
from django.core.checks import Info, register


@register(deploy=True)
def check_mail(app_configs=None, **kwargs) -> list[Info]:
    if not settings.MAILERS:
        return [Info("EMAIL_URL is not set, so no mail is sent.", id="welcome.I001")]
    if settings.DEFAULT_FROM_EMAIL == "webmaster@localhost":
        sentence = "DEFAULT_FROM_EMAIL is not set, so mail servers may refuse what is sent."
        return [Info(sentence, id="welcome.I002")]
    return []
