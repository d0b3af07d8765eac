from functools import cache

from django.apps import apps
from django.conf import settings


def site(request) -> dict:
    """Context of every template: ``site_title``, ``site_description``, and the menu's ``navigation``."""
    # Not ``site_name``, which Django's LoginView sets to the Host.
    return {
        "site_title": settings.SITE_NAME,
        "site_description": settings.SITE_DESCRIPTION,
        "sign_up_is_open": settings.SIGN_UP == "open",
        "sends_mail": bool(settings.MAILERS),
        "navigation": navigation(),
        "is_preview": getattr(settings, "IS_PREVIEW", False),
    }


@cache
def navigation() -> list[tuple[str, str]]:
    """The menu: an app adds an item by ``navigation = (URL name, label)`` in its AppConfig."""
    configs = [config for config in apps.get_app_configs() if hasattr(config, "navigation")]
    return [("home", "Home"), *(config.navigation for config in configs)]
