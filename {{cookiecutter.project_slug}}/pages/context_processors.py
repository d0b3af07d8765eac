from django.conf import settings


def site(request) -> dict[str, str]:
    """What every template may say about the site: its name, as ``site_name``."""
    return {"site_name": settings.SITE_NAME}
