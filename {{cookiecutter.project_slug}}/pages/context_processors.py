from django.conf import settings


def site(request) -> dict:
    """What every template may say about the site: ``site_title`` and ``navigation``.

    Not ``site_name``, which Django's log-in view sets to the Host.
    """
    return {"site_title": settings.SITE_NAME, "navigation": settings.NAVIGATION}
