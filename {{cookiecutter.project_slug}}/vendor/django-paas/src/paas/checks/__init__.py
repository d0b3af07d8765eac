"""Deploy checks: production does not start misconfigured.

The release command runs them by ``manage.py check --deploy`` before it migrates; the processes of
the site run them when they start. The platform's build, which has no configuration, does not.
``settings.DEPLOY_CHECKS`` names modules with checks of your own.
"""

from collections.abc import Callable
from importlib import import_module

from django.core.checks import CheckMessage, Error, Info, Tags, register, run_checks
from django.core.checks.messages import WARNING

from paas.conf import settings

# Django's own checks of what comes from an environment variable, and the variable.
DJANGO_CHECKS = {
    "security.W009": "SECRET_KEY",
    "security.W018": "DEBUG",
    "security.W020": "ALLOWED_HOSTS",
}

# The names of the parts of paas that the application of asgi.py or wsgi.py has made.
APPLICATION_PARTS: set[str] = set()

Check = Callable[[], Error | None]
CHECKS: list[Check] = []


def environment_check(check: Check) -> Check:
    """Decorator: run the check before a release, and when a process of the site starts."""
    CHECKS.append(check)
    return check


def deploy_error(number: int, name: str, message: str, is_variable: bool = False) -> Error:
    """An error about a setting, or an environment variable, with a hint how to set it.

    ``is_variable`` is for variables that the platform's HINTS do not have, such as your own.
    """
    return Error(f"{name} {message}", hint=hint(name, is_variable), id=f"paas.E{number:03}")


def hint(name: str, is_variable: bool = True) -> str:
    """How to set the variable on this platform, or where the setting is."""
    platform = import_module(settings.PLATFORM)
    set_it = platform.SET_VARIABLE if is_variable else "See {} in your settings."
    return platform.HINTS.get(name, set_it.format(name))


def problems() -> list[CheckMessage]:
    """What keeps a process of the site from starting: errors of CHECKS, and Django's of security."""
    found = [error for error in check_environment() if not error.is_silenced()]
    return found + [message for message in django_security() if not is_in(found, message)]


def django_security() -> list[CheckMessage]:
    """Django's own messages, with a hint for this platform where a variable is the cause."""
    found = run_checks(tags=[Tags.security], include_deployment_checks=True)
    found = [each for each in found if each.level >= WARNING and not each.is_silenced()]
    for message in found:
        if name := DJANGO_CHECKS.get(message.id or ""):
            message.hint = hint(name)
    return found


def is_in(errors: list[CheckMessage], message: CheckMessage) -> bool:
    """Whether one of the errors is about the same variable as Django's message."""
    name = DJANGO_CHECKS.get(message.id or "")
    return name is not None and any(error.msg.startswith(name) for error in errors)


@register(deploy=True)
def check_environment(app_configs=None, **kwargs) -> list[CheckMessage]:
    """Return the error of each check that fails."""
    return [error for check in CHECKS if (error := check())]


@register(deploy=True)
def check_variables(app_configs=None, **kwargs) -> list[CheckMessage]:
    """How to set the variables of Django's own messages, whose hints do not say it."""
    own, found = check_environment(), django_security()
    found = [each for each in found if each.id in DJANGO_CHECKS and not is_in(own, each)]
    names = [DJANGO_CHECKS[message.id or ""] for message in found]
    return [Info(f"How to set {name}:", hint=hint(name), id="paas.I004") for name in names]
