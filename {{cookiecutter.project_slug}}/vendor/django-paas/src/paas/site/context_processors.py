from django.http import HttpRequest

from paas.conf import settings


def site(request: HttpRequest) -> dict:
    """What templates may show of the settings."""
    return {
        # Not ``site_name``, which Django's LoginView sets to the Host.
        "site_title": settings.SITE_NAME,
        "site_description": settings.SITE_DESCRIPTION,
        "sign_up_is_open": settings.SIGN_UP == "open",
        "sends_mail": bool(settings.MAILERS),
        "is_preview": settings.IS_PREVIEW,
    }
