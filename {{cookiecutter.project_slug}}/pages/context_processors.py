from django.conf import settings


def site(request) -> dict:
    """What every template may say about the site: ``site_name`` and ``navigation``."""
    return {"site_name": settings.SITE_NAME, "navigation": settings.NAVIGATION}
