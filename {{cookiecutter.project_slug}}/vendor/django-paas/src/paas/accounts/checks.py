from django.conf import settings
from django.core.checks import Error, register


@register
def check_order_of_apps(app_configs, **kwargs) -> list[Error]:
    """Django takes a template from the first app that has it."""
    apps = [app for app in settings.INSTALLED_APPS if app in ("paas.accounts", "allauth")]
    if apps == ["paas.accounts", "allauth"]:
        return []
    message = (
        'INSTALLED_APPS must have "paas.accounts" above "allauth", whose templates it replaces.'
    )
    return [Error(message, id="paas.E015")]


@register
def check_failure_limit(app_configs, **kwargs) -> list[Error]:
    """django-axes' own limit would look like the one that applies."""
    if not settings.is_overridden("AXES_FAILURE_LIMIT"):  # type: ignore[misc]
        return []
    message = "AXES_FAILURE_LIMIT has no effect: delete it, and set LOCKOUT_USER_AND_IP_LIMIT."
    return [Error(message, id="paas.E016")]
