"""Checks of the site: application, key, hosts, sessions, middleware, the admin, static files."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

from django.apps import apps
from django.contrib.sessions.backends import cache, cached_db, file, signed_cookies
from django.contrib.staticfiles.storage import (
    ManifestFilesMixin,
    StaticFilesStorage,
    staticfiles_storage,
)
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch, get_resolver, resolve, reverse
from django.utils.module_loading import import_string

from paas.checks import APPLICATION_PARTS, deploy_error, environment_check, problems
from paas.conf import DEFAULTS, settings

# Caches of one process, or of one machine.
NOT_SHARED = ("LocMemCache", "DummyCache", "FileBasedCache")
# A host name, an IPv6 address, or ".example.com" for a domain with its subdomains, but not ".com".
HOST = re.compile(r"(\.[A-Za-z0-9-]+\.)?[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\]")

# Settings that do nothing without a middleware.
MIDDLEWARE = {
    "PLATFORM": "paas.platforms.proxy_headers.ClientAddressMiddleware",
    "PERMISSIONS_POLICY": "paas.site.headers.SecurityHeadersMiddleware",
    "CSP_BY_PATH": "paas.site.headers.SecurityHeadersMiddleware",
    "SECURE_CSP": "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "USERSESSIONS_TRACK_ACTIVITY": "allauth.usersessions.middleware.UserSessionsMiddleware",
}


def is_like(path: Any, other: str) -> bool:
    """Whether both dotted paths name the same object, or the first a subclass of the second."""
    if path == other or not isinstance(path, str):
        return path == other
    found = import_string(path)
    return isinstance(found, type) and issubclass(found, import_string(other))


@register(Tags.security)
def check_middleware(app_configs=None, **kwargs) -> list[CheckMessage]:
    return [
        Error(f"{name} has no effect: add {path!r} to MIDDLEWARE.", id="paas.E022")
        for name, path in MIDDLEWARE.items()
        if getattr(settings, name, None) not in (None, False, DEFAULTS.get(name), {})
        and not any(is_like(each, path) for each in settings.MIDDLEWARE)
    ]


@register(Tags.security)
def check_admin_sites(app_configs=None, **kwargs) -> list[CheckMessage]:
    """A site of another class, as of an admin theme, opens by a password alone."""
    if not settings.STAFF_NEEDS_SECOND_FACTOR:
        return []
    # Imported here, as a project may have no admin and no allauth.
    from django.contrib.admin.sites import all_sites

    guarded: tuple[type, ...] = ()
    if apps.is_installed("paas.accounts"):
        from paas.accounts.admin_site import AdminSite

        guarded = (AdminSite,)
    _ = get_resolver().url_patterns  # importing them may create an admin site
    return [
        Error(
            f"STAFF_NEEDS_SECOND_FACTOR has no effect on the admin site {site.name!r}: its class "
            f"{type(site).__module__}.{type(site).__qualname__} must inherit from "
            "paas.accounts.admin_site.AdminSite.",
            hint='"An admin theme" in paas/docs/packages.md has an example.',
            id="paas.E023",
        )
        for site in all_sites
        if not isinstance(site, guarded) and is_routed(f"{site.name}:index")
    ]


def is_routed(name: str) -> bool:
    try:
        reverse(name)
    except NoReverseMatch:
        return False
    return True


@register
def check_admin_path(app_configs=None, **kwargs) -> list[CheckMessage]:
    """The admin's path must not be that of another view, which would come first."""
    try:
        path = reverse("admin:index")
    except NoReverseMatch:
        return []
    if resolve(path).view_name == "admin:index":
        return []
    message = f"ADMIN_PATH: another view has the path {path}."
    return [Error(message, hint="Use a path such as 'back-office/'.", id="paas.E013")]


@register(deploy=True)
def check_application(app_configs=None, **kwargs) -> list[CheckMessage]:
    """Import what the server serves: after the release it is too late to fail."""
    # The first is Daphne's and Channels' setting.
    name = "ASGI_APPLICATION" if getattr(settings, "ASGI_APPLICATION", None) else "WSGI_APPLICATION"
    path = getattr(settings, name)
    if problems() or not path:  # the application exits if there are any
        return []
    try:
        import_string(path)
    except Exception as error:  # noqa: BLE001 (code of any kind)
        cause = error.__cause__ or error  # import_string() hides an AttributeError in the module
        message = f"The server cannot start: {type(cause).__name__}: {cause}."
        hint = "Run the tests: one starts the server, and shows the traceback."
        return [Error(message, hint=hint, id="paas.E012")]
    interface = name.partition("_")[0]
    missing = {"GracefulShutdown", f"{interface}Handler"} - APPLICATION_PARTS
    message = "{} makes no {} of paas: SIGTERM drops requests, or bodies have no limit."
    hint = (
        f"README.md of django-paas shows {interface.lower()}.py: GracefulShutdown(...) around all."
    )
    return [
        Warning(message.format(path, part), hint=hint, id="paas.W001") for part in sorted(missing)
    ]


@register(deploy=True)
def check_static_files(app_configs=None, **kwargs) -> list[CheckMessage]:
    """Not at the start of a process, as tests start one without a build."""
    if settings.DEBUG or are_collected():
        return []
    message = "Static files are not collected, so pages would have no stylesheets."
    hint = "Unset the variable DISABLE_COLLECTSTATIC: the build runs manage.py collectstatic."
    return [Error(message, hint=hint, id="paas.E029")]


def are_collected() -> bool:
    """Whether `collectstatic` has run; True for files that are elsewhere, such as in a bucket."""
    if not (apps.is_installed("django.contrib.staticfiles") and settings.STATIC_ROOT):
        return True
    if isinstance(staticfiles_storage, ManifestFilesMixin):
        return staticfiles_storage.read_manifest() is not None
    is_local = isinstance(staticfiles_storage, StaticFilesStorage)
    return not is_local or Path(settings.STATIC_ROOT).is_dir()


@environment_check
def check_secret_key() -> Error | None:
    try:
        secret_key = settings.SECRET_KEY
    except ImproperlyConfigured:
        return deploy_error(1, "SECRET_KEY", "is not set.")
    if " " in secret_key:  # a command that was pasted instead of its output
        return deploy_error(1, "SECRET_KEY", "must be random characters, without a space.")
    return None


@environment_check
def check_allowed_hosts() -> Error | None:
    if not settings.ALLOWED_HOSTS:
        return deploy_error(2, "ALLOWED_HOSTS", "is not set.")
    for host in settings.ALLOWED_HOSTS:
        if not HOST.fullmatch(host):
            return deploy_error(2, "ALLOWED_HOSTS", f"contains {host!r}, which is not a host name.")
    return None


@environment_check
def check_sessions() -> Error | None:
    store = import_module(settings.SESSION_ENGINE).SessionStore
    if issubclass(store, file.SessionStore):
        message = "must not use files: the platform deletes them at each restart."
        return deploy_error(7, "SESSION_ENGINE", message)
    if issubclass(store, signed_cookies.SessionStore):
        message = (
            "must store sessions: one in a cookie outlives its logout, and opens no WebSocket."
        )
        return deploy_error(7, "SESSION_ENGINE", message)
    backend = settings.CACHES.get(settings.SESSION_CACHE_ALIAS, {}).get("BACKEND", NOT_SHARED[0])
    in_cache = issubclass(store, (cache.SessionStore, cached_db.SessionStore))
    if in_cache and backend.endswith(NOT_SHARED):
        message = "needs a cache in CACHES that all processes share."
        return deploy_error(7, "SESSION_ENGINE", message)
    return None
