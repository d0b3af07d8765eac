"""System checks of the settings of accounts: each value works, or an Error names it."""

from allauth.account.auth_backends import AuthenticationBackend
from axes.conf import settings as axes_settings
from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.core.checks import CheckMessage, Error, Tags, register
from django.utils.module_loading import import_string

from paas.accounts import settings as ours
from paas.accounts.lockout import network
from paas.checks.production import is_like

BACKEND = "paas.accounts.lockout.Backend"
# Settings that must have our value, or a subclass of it, and what has no effect otherwise.
REQUIRED = {
    "ACCOUNT_ADAPTER": "SIGN_UP and the second factor",
    "AXES_HANDLER": "LOCKOUT_*",
    "AXES_CLIENT_IP_CALLABLE": "TRUSTED_PROXIES",
    "AXES_USERNAME_CALLABLE": "the limit for all names of a user",
}
AXES = {
    "AXES_FAILURE_LIMIT": "has no effect: delete it, and set LOCKOUT_USER_AND_IP_LIMIT",
    "AXES_LOCKOUT_PARAMETERS": (
        "has no effect: delete it, and set LOCKOUT_USER_AND_IP_LIMIT, LOCKOUT_IP_LIMIT and "
        "LOCKOUT_USER_LIMIT"
    ),
    "AXES_ONLY_ADMIN_SITE": "ends all lockouts, as the admin has the site's login page: delete it",
    "AXES_DISABLE_ACCESS_LOG": "forgets known IP addresses (LOCKOUT_KNOWN_IP_DAYS): delete it",
    **dict.fromkeys(
        [
            f"AXES_IPWARE_{name}"
            for name in ("PROXY_COUNT", "PROXY_ORDER", "PROXY_TRUSTED_IPS", "META_PRECEDENCE_ORDER")
        ],
        "has no effect: delete it, and set TRUSTED_PROXIES",
    ),
}
# Settings of the response that axes makes without AXES_LOCKOUT_CALLABLE.
AXES_RESPONSE = [
    f"AXES_{name}"
    for name in (
        *("LOCKOUT_TEMPLATE", "LOCKOUT_URL", "COOLOFF_MESSAGE", "PERMALOCK_MESSAGE"),
        "ALLOWED_CORS_ORIGINS",
    )
]


@register(Tags.security)
def check_required(app_configs, **kwargs) -> list[CheckMessage]:
    return [
        Error(
            f"{name} must be {getattr(ours, name)!r}, or a subclass: else {lost} has no effect.",
            id="paas.E024",
        )
        for name, lost in REQUIRED.items()
        if not is_like(getattr(settings, name), getattr(ours, name))
    ]


@register(Tags.security)
def check_backends(app_configs, **kwargs) -> list[CheckMessage]:
    """A lockout of the first one is for all; another's password would need no second factor."""
    first, *others = settings.AUTHENTICATION_BACKENDS
    if is_like(first, BACKEND) and not any(map(is_by_password_alone, others)):
        return []
    message = (
        f"AUTHENTICATION_BACKENDS must begin with {BACKEND!r}, or a subclass, and have no other for "
        "Django's passwords: it would log in without a lockout and a second factor."
    )
    hint = "paas.accounts.lockout.Backend has the permissions of ModelBackend too: delete that one."
    return [Error(message, hint=hint, id="paas.E025")]


def is_by_password_alone(path: str) -> bool:
    authenticate = import_string(path).authenticate
    return authenticate in (ModelBackend.authenticate, AuthenticationBackend.authenticate)


@register(Tags.security)
def check_session_engine(app_configs, **kwargs) -> list[CheckMessage]:
    if settings.SESSION_ENGINE != "django.contrib.sessions.backends.db":
        return []
    message = (
        f"SESSION_ENGINE must be {ours.SESSION_ENGINE!r}: by Django's own, PostgreSQL's error for a "
        "NUL character in a cookie is status 500."
    )
    return [Error(message, id="paas.E026")]


@register
def check_order_of_apps(app_configs, **kwargs) -> list[CheckMessage]:
    """Django takes a template from the first app that has it."""
    apps = [app for app in settings.INSTALLED_APPS if app in ("paas.accounts", "allauth")]
    if apps == ["paas.accounts", "allauth"]:
        return []
    message = (
        'INSTALLED_APPS must have "paas.accounts" above "allauth", whose templates it replaces.'
    )
    return [Error(message, id="paas.E015")]


@register
def check_axes(app_configs, **kwargs) -> list[CheckMessage]:
    """What axes documents, and does otherwise here."""
    found = [f"{name} {problem}." for name, problem in AXES.items() if is_changed(name)]
    if axes_settings.AXES_LOCKOUT_CALLABLE:
        without = "has no effect unless AXES_LOCKOUT_CALLABLE = None."
        found += [f"{name} {without}" for name in AXES_RESPONSE if is_changed(name)]
    if axes_settings.AXES_USE_ATTEMPT_EXPIRATION and axes_settings.AXES_COOLOFF_TIME is None:
        found.append(
            "AXES_USE_ATTEMPT_EXPIRATION needs AXES_COOLOFF_TIME, such as timedelta(hours=1)."
        )
    for name in ("AXES_IP_WHITELIST", "AXES_IP_BLACKLIST"):
        for ip in getattr(settings, name) or []:
            if (counted := network(ip)) != ip:
                found.append(f"{name} contains {ip!r}, whose network counts: write {counted!r}.")
    return [Error(message, id="paas.E016") for message in found]


def is_changed(name: str) -> bool:
    """Whether the project has set it, to another value than ours."""
    value = getattr(settings, name, None)
    is_set = settings.is_overridden(name)  # type: ignore[misc]
    return is_set and value not in (None, False, getattr(ours, name, None))
