from django.apps import apps
from django.conf import settings


def site(request) -> dict:
    """``site_title`` and ``navigation``, for every template.

    An app adds an item to the menu by ``navigation = (URL name, label)`` on its AppConfig.
    """
    configs = [config for config in apps.get_app_configs() if hasattr(config, "navigation")]
    # Not ``site_name``, which Django's log-in view sets to the Host.
    return {
        "site_title": settings.SITE_NAME,
        "navigation": [("home", "Home"), *(config.navigation for config in configs)],
    }
