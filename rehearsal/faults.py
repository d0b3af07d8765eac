"""A project with views that raise, where all kinds of secrets are at hand."""

from pathlib import Path

URLS = """
import os

from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from config.urls import handler500


@csrf_exempt
def fail(request, **arguments):
    form, body, headers, cookies = request.POST, request.body, request.headers, request.COOKIES
    session_key, environment = request.session.session_key, dict(os.environ)
    raise RuntimeError(f"It does not work for user number {request.user.pk}.")


urlpatterns = [
    path("fail/", fail),
    path("reset/<uidb64>/<token>/", fail),
    path("", include("config.urls")),
]
"""
SETTINGS = """
from config.settings import *

ROOT_URLCONF = "failing_urls"
"""


def add_faults(folder: Path) -> dict[str, str]:
    """Add the views to the project; returns what to change in the environment to use them."""
    (folder / "failing_urls.py").write_text(URLS)
    (folder / "failing_settings.py").write_text(SETTINGS)
    return {"DJANGO_SETTINGS_MODULE": "failing_settings"}
