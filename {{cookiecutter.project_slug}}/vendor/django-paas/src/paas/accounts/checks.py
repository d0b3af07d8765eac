"""System checks of the settings of accounts: each value works, or an Error names it."""

from allauth.account import app_settings
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
# Settings that must have the value of paas.accounts.settings, or a subclass; without it these have no effect.
REQUIRED = {
    "ACCOUNT_ADAPTER": "SIGN_UP and the second factor",
    "AXES_HANDLER": "LOCKOUT_*",
    "AXES_CLIENT_IP_CALLABLE": "TRUSTED_PROXIES",
    "AXES_USERNAME_CALLABLE": "the limit for all names of a user",
}
PROXIES = "has no effect: delete it, and set TRUSTED_PROXIES"
AXES = {
    "AXES_FAILURE_LIMIT": "has no effect: delete it, and set LOCKOUT_USER_AND_IP_LIMIT",
    "AXES_LOCKOUT_PARAMETERS": (
        "has no effect: delete it, and set LOCKOUT_USER_AND_IP_LIMIT, LOCKOUT_IP_LIMIT and "
        "LOCKOUT_USER_LIMIT"
    ),
    "AXES_ONLY_ADMIN_SITE": "ends all lockouts, as the admin has the site's login page: delete it",
    "AXES_DISABLE_ACCESS_LOG": "forgets known IP addresses (LOCKOUT_KNOWN_IP_DAYS): delete it",
    "AXES_IPWARE_PROXY_COUNT": PROXIES,
    "AXES_IPWARE_PROXY_ORDER": PROXIES,
    "AXES_IPWARE_PROXY_TRUSTED_IPS": PROXIES,
    "AXES_IPWARE_META_PRECEDENCE_ORDER": PROXIES,
}
FIELDS = {
    "ACCOUNT_USER_MODEL_USERNAME_FIELD": "username",
    "ACCOUNT_USER_MODEL_EMAIL_FIELD": "email",
    "ACCOUNT_TEMPLATE_EXTENSION": "html",
}
# Settings of the response that axes makes without AXES_LOCKOUT_CALLABLE.
AXES_RESPONSE = [
    "AXES_LOCKOUT_TEMPLATE",
    "AXES_LOCKOUT_URL",
    "AXES_COOLOFF_MESSAGE",
    "AXES_PERMALOCK_MESSAGE",
    "AXES_ALLOWED_CORS_ORIGINS",
]


@register(Tags.security)
def check_required(app_configs, **kwargs) -> list[CheckMessage]:
    found = [
        f"{name} must be {getattr(ours, name)!r}, or a subclass: else {lost} has no effect."
        for name, lost in REQUIRED.items()
        if not is_like(getattr(settings, name), getattr(ours, name))
    ]
    name, form = "change_password", ours.ACCOUNT_FORMS["change_password"]
    if not is_like(settings.ACCOUNT_FORMS.get(name), form):
        lost = "the old password can be guessed without limit"
        found.append(f"ACCOUNT_FORMS[{name!r}] must be {form!r}, or a subclass: else {lost}.")
    return [Error(message, id="paas.E024") for message in found]


@register(Tags.security)
def check_backends(app_configs, **kwargs) -> list[CheckMessage]:
    """The first backend's lockout holds for the others; its password check needs a second factor too."""
    first, *others = settings.AUTHENTICATION_BACKENDS
    if is_like(first, BACKEND) and not any(map(is_by_password_alone, others)):
        return []
    message = (
        f"AUTHENTICATION_BACKENDS must begin with {BACKEND!r}, or a subclass, and have no other for "
        "Django's passwords, which would skip the lockout and the second factor."
    )
    hint = "paas.accounts.lockout.Backend has the permissions of ModelBackend too: delete that one."
    return [Error(message, hint=hint, id="paas.E025")]


def is_by_password_alone(path: str) -> bool:
    """Whether the backend with this dotted path checks passwords as Django's or allauth's does."""
    authenticate = import_string(path).authenticate
    return authenticate in (ModelBackend.authenticate, AuthenticationBackend.authenticate)


@register(Tags.security)
def check_session_engine(app_configs, **kwargs) -> list[CheckMessage]:
    if settings.SESSION_ENGINE != "django.contrib.sessions.backends.db":
        return []
    message = (
        f"SESSION_ENGINE must be {ours.SESSION_ENGINE!r}: with Django's own, a NUL character in the "
        "session cookie is an error of PostgreSQL, so status 500."
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
def check_users(app_configs, **kwargs) -> list[CheckMessage]:
    """The user model has both fields, even if the forms ask for one only."""
    found = [
        f"{name} must be {value!r}, as pages and mails name it."
        for name, value in FIELDS.items()
        if getattr(settings, name, value) != value
    ]
    if "phone" in app_settings.LOGIN_METHODS:
        found.append(
            'ACCOUNT_LOGIN_METHODS must be of "username" and "email", as lockouts count by these.'
        )
    return [Error(message, id="paas.E027") for message in found]


@register
def check_axes(app_configs, **kwargs) -> list[CheckMessage]:
    """Settings that axes documents, and that work otherwise with paas.accounts.lockout."""
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
