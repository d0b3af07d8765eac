"""Lockout after failed logins: django-axes, which counts failures in the database.

https://django-axes.readthedocs.io/en/latest/

It applies wherever a password is asked for, and rejects before the password is hashed. Each limit
counts failures within AXES_COOLOFF_TIME, and stops another attack:

=============================  ===================================================================
``LOCKOUT_USER_AND_IP_LIMIT``  one IP address guesses the password of one user
``LOCKOUT_IP_LIMIT``           one IP address tries many users
``LOCKOUT_USER_LIMIT``         many IP addresses try one user. IP addresses that the user logged in
                               from within LOCKOUT_KNOWN_IP_DAYS are exempt, or anyone could lock a
                               user out.
=============================  ===================================================================
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from ipaddress import IPv6Network, ip_interface

import structlog
from asgiref.sync import sync_to_async
from axes.attempts import get_cool_off_threshold
from axes.backends import AxesStandaloneBackend
from axes.conf import settings as axes_settings
from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_client_username, get_cool_off, get_failure_limit
from axes.models import AccessAttempt, AccessLog
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import PermissionDenied
from django.db.models import Q, Sum, Value
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from paas.conf import settings

MAX_NAME_LENGTH = 255
logger = structlog.get_logger(__name__)


class Handler(AxesDatabaseHandler):
    """Applies the limits: axes locks out if get_failures() returns its own limit."""

    def get_failures(self, request, credentials=None) -> int:
        # Without AXES_COOLOFF_TIME a lockout ends by axes_reset only.
        since = get_cool_off_threshold(request) if get_cool_off(request) else None
        username = get_client_username(request, credentials)
        locked_out = is_locked_out(username, request.axes_ip_address, since)
        return get_failure_limit(request, credentials) if locked_out else 0

    def user_logged_in(self, sender, request, user, **kwargs):
        oldest = timezone.now() - timedelta(days=settings.LOCKOUT_KNOWN_IP_DAYS)
        same = Q(username=user.get_username(), ip_address=request.axes_ip_address)
        AccessLog.objects.filter(same | Q(attempt_time__lt=oldest)).delete()
        super().user_logged_in(sender, request, user, **kwargs)

    def reset_attempts(self, *, ip_address=None, username=None, ip_or_username=False) -> int:
        """Takes what an administrator types: any name of the user, any address of the network."""
        if ip_address and not (ip_address := network(ip_address)):
            return 0
        if username:
            username = counted_name(username, find_user(username))
        return super().reset_attempts(
            ip_address=ip_address, username=username, ip_or_username=ip_or_username
        )


def is_locked_out(username: str | None, ip: str | None, since: datetime | None) -> bool:
    """Whether the failures since then, of the user or the IP address, exceed a limit."""
    of_user, of_ip = Q(username=username), Q(ip_address=ip)
    recent = AccessAttempt.objects.filter(of_user | of_ip)
    if since is not None:
        recent = recent.filter(attempt_time__gte=since)
    failures = recent.aggregate(both=count(of_user & of_ip), ip=count(of_ip), user=count(of_user))
    if failures["both"] >= settings.LOCKOUT_USER_AND_IP_LIMIT:
        return True
    if failures["ip"] >= settings.LOCKOUT_IP_LIMIT:
        return True
    if failures["user"] < settings.LOCKOUT_USER_LIMIT:
        return False
    return not AccessLog.objects.filter(of_user, of_ip).exists()


def count(condition: Q) -> Sum:
    """The number of failures that meet the condition."""
    return Sum("failures_since_start", filter=condition, default=0)


class Backend(AxesStandaloneBackend, ModelBackend):
    """Login by user name, in any case, or by email address, with the lockout.

    Failures count for the account, whichever of its names was typed. Without a request there is no
    IP address to count.

    A user with a second factor, and staff that need one, log in by allauth's views only: any other
    form, such as Django's LoginView or one of an API, would ask for the password alone.
    """

    def authenticate(self, request, username=None, password=None, email=None, **credentials):
        typed = username or email
        if typed is None or password is None:
            return None
        found = find_user(typed)
        name = counted_name(typed, found)
        if request is not None:
            request.axes_username = name
            super().authenticate(request, name, password)  # raises PermissionDenied
        # It hashes the password of an unknown user too: both take as long.
        user = ModelBackend.authenticate(self, request, name, password)
        if not getattr(request, "second_factor_follows", False) and needs_second_factor(found):
            # Whether or not the password was right, which the response must not reveal.
            logger.warning("login needs a second factor", path=getattr(request, "path", None))
            raise PermissionDenied
        if user and request is not None:
            clear_failures(request, user)
        return user

    async def aauthenticate(self, request, *args, **credentials):
        return await sync_to_async(self.authenticate)(request, *args, **credentials)


def needs_second_factor(user: AbstractUser | None) -> bool:
    """Whether the password alone may open no session of this user."""
    if user is None:
        return False
    if settings.STAFF_NEEDS_SECOND_FACTOR and getattr(user, "is_staff", False):
        return True
    if not apps.is_installed("allauth.mfa"):
        return False
    from allauth.mfa.utils import is_mfa_enabled

    return is_mfa_enabled(user)


def clear_failures(request: HttpRequest, user: AbstractUser, **kwargs) -> None:
    """Forget the user's failures from that IP address: they have proved who they are.

    Not those of others from there, or an attacker with an account could clear an IP's count.
    """
    if axes_settings.AXES_RESET_ON_SUCCESS:
        of_user = AccessAttempt.objects.filter(username=user.get_username())
        of_user.filter(ip_address=counted_ip(request)).delete()


def clear_all_failures(user: AbstractUser, **kwargs) -> None:
    """Forget the user's failures from everywhere: they were about the password before this one."""
    AccessAttempt.objects.filter(username=user.get_username()).delete()


def counted_name(typed: str, user: AbstractUser | None) -> str:
    """The name that failures count for, of the user who was found by what was typed, if any.

    MAX_NAME_LENGTH is the column's: lower() may make a name longer.
    """
    return user.get_username() if user else typed.lower()[:MAX_NAME_LENGTH]


def find_user(typed: str) -> AbstractUser | None:
    """The user with that name, in any case, or email address: a confirmed one, or the oldest's."""
    if "@" in typed:
        # Without those who have asked to change to it, but not confirmed it.
        users = [user for user in users_of(typed) if user.email.lower() == typed.lower()]
        if users:
            return min(users, key=lambda user: user.pk)
    lowercase = get_user_model().objects.annotate(lowercase=Lower(get_user_model().USERNAME_FIELD))
    return lowercase.filter(lowercase=Lower(Value(typed))).first()


def users_of(address: str) -> Iterable[AbstractUser]:
    """The users with that email address; if any has confirmed it, only those who have."""
    if not apps.is_installed("allauth.account"):  # a project without account pages
        return get_user_model().objects.filter(email__iexact=address)
    from allauth.account.app_settings import LOGIN_METHODS
    from allauth.account.utils import filter_users_by_email

    if "email" not in LOGIN_METHODS:
        return []
    return filter_users_by_email(address, prefer_verified=True)


def counted_username(request: HttpRequest, credentials: dict | None) -> str | None:
    """The user name that failures count for."""
    by_axes = (credentials or {}).get(axes_settings.AXES_USERNAME_FORM_FIELD)
    return getattr(request, "axes_username", None) or by_axes


def counted_ip(request: HttpRequest) -> str | None:
    """What failures from the client's IP address count for."""
    return network(request.META.get("REMOTE_ADDR", ""))


def network(ip: str) -> str | None:
    """The IP address; for IPv6 its /64 network, as one client has all of it; None if it is invalid."""
    try:
        address = ip_interface(ip).ip
    except ValueError:
        return None
    address = getattr(address, "ipv4_mapped", None) or address
    if address.version == 6:
        address = IPv6Network((address, 64), strict=False).network_address
    return str(address)


def lockout_response(request: HttpRequest, *args) -> HttpResponse:
    """The response during a lockout."""
    wait = get_cool_off(request)
    context = {"minutes": wait and wait // timedelta(minutes=1), "is_lockout": True}
    status = axes_settings.AXES_HTTP_RESPONSE_CODE
    response = render(request, "429.html", context, status=status)
    if wait:
        response["Retry-After"] = int(wait.total_seconds())
    return response
