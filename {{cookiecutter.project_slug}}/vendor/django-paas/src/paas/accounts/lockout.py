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
from ipaddress import IPv6Network, ip_address

from asgiref.sync import sync_to_async
from axes.attempts import get_cool_off_threshold
from axes.backends import AxesStandaloneBackend
from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_client_username, get_cool_off, get_failure_limit
from axes.models import AccessAttempt, AccessLog
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AbstractUser
from django.db.models import Q, Sum, Value
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from paas.conf import settings

MAX_NAME_LENGTH = 255


class Handler(AxesDatabaseHandler):
    """Applies the limits: axes locks out if get_failures() returns its own limit."""

    def get_failures(self, request, credentials=None) -> int:
        username, since = get_client_username(request, credentials), get_cool_off_threshold(request)
        locked_out = is_locked_out(username, request.axes_ip_address, since)
        return get_failure_limit(request, credentials) if locked_out else 0

    def user_logged_in(self, sender, request, user, **kwargs):
        oldest = timezone.now() - timedelta(days=settings.LOCKOUT_KNOWN_IP_DAYS)
        same = Q(username=user.get_username(), ip_address=request.axes_ip_address)
        AccessLog.objects.filter(same | Q(attempt_time__lt=oldest)).delete()
        super().user_logged_in(sender, request, user, **kwargs)


def is_locked_out(username: str | None, ip: str | None, since: datetime | None) -> bool:
    """Whether the failures since then, of the user or the IP address, exceed a limit."""
    of_user, of_ip = Q(username=username), Q(ip_address=ip)
    failures = AccessAttempt.objects.filter(of_user | of_ip, attempt_time__gte=since).aggregate(
        both=count(of_user & of_ip), ip=count(of_ip), user=count(of_user)
    )
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
    """

    def authenticate(self, request, username=None, password=None, email=None, **credentials):
        typed = username or email
        if typed is None or password is None:
            return None
        user = find_user(typed)
        # MAX_NAME_LENGTH is the column's: lower() may make a name longer.
        name = user.get_username() if user else typed.lower()[:MAX_NAME_LENGTH]
        if request is not None:
            request.axes_username = name
            super().authenticate(request, name, password)  # raises PermissionDenied
        # It hashes the password of an unknown user too: both take as long.
        return ModelBackend.authenticate(self, request, name, password)

    async def aauthenticate(self, request, *args, **credentials):
        return await sync_to_async(self.authenticate)(request, *args, **credentials)


def find_user(typed: str) -> AbstractUser | None:
    """The user with that name, in any case, or email address: a confirmed one, or the oldest's."""
    if "@" in typed:
        # Without those who have asked to change to it, but not confirmed it.
        users = [user for user in users_of(typed) if user.email.lower() == typed.lower()]
        if users:
            return min(users, key=lambda user: user.pk)
    lowercase = get_user_model().objects.annotate(lowercase=Lower("username"))
    return lowercase.filter(lowercase=Lower(Value(typed))).first()


def users_of(address: str) -> Iterable[AbstractUser]:
    """The users with that email address; if any has confirmed it, only those who have."""
    if not apps.is_installed("allauth.account"):  # a project without account pages
        return get_user_model().objects.filter(email__iexact=address)
    from allauth.account.utils import filter_users_by_email

    return filter_users_by_email(address, prefer_verified=True)


def counted_username(request: HttpRequest, credentials: dict | None) -> str | None:
    """The user name that failures count for."""
    return getattr(request, "axes_username", None) or (credentials or {}).get("username")


def counted_ip(request: HttpRequest) -> str | None:
    """The client's IP address; for IPv6 its /64 network, as one client has all addresses of it."""
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return None
    address = getattr(address, "ipv4_mapped", None) or address
    if address.version == 6:
        address = IPv6Network((address, 64), strict=False).network_address
    return str(address)


def lockout_response(request: HttpRequest, *args) -> HttpResponse:
    """The response during a lockout."""
    wait = get_cool_off(request)
    context = {"minutes": wait // timedelta(minutes=1)}
    response = render(request, "429.html", context, status=429)
    response["Retry-After"] = int(wait.total_seconds())
    return response
