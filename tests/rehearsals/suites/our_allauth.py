"""Settings of allauth's suite: those of its tests, with our classes, forms, templates and URLs."""

from pathlib import Path

from paas.accounts import settings as ours
from tests.projects.account_only.settings import *

OURS = ("AXES_", "MFA_", "AUTHENTICATION_BACKENDS", "ACCOUNT_FORMS", "SESSION_ENGINE")
globals().update({name: getattr(ours, name) for name in dir(ours) if name.startswith(OURS)})
MFA_ALLOW_UNVERIFIED_EMAIL = False
MFA_PASSKEY_SIGNUP_ENABLED = True
ACCOUNT_ADAPTER = "our_allauth_site.AccountAdapter"
ROOT_URLCONF = "our_allauth_site"
INSTALLED_APPS = ("paas", "paas.accounts", *INSTALLED_APPS)
INSTALLED_APPS += ("allauth.mfa", "allauth.usersessions", "axes")
MIDDLEWARE += ("axes.middleware.AxesMiddleware",)
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
SITE_NAME = "example.com"
TEMPLATES[0]["DIRS"] = [Path(__file__).parents[2] / "package/example/templates"]
