"""Throttled log-in: django-axes, which counts failures in the database, with limits of our own.

It refuses before the password is hashed, in every log-in form, the admin's among them. Whoever
guesses one person's password is stopped by the count of both; who tries many people, by that of
the address; many addresses that try one person, by that of the person, but not the person
themselves, where they have logged in from before: no stranger can lock them out for good.
"""

from datetime import timedelta
from ipaddress import IPv6Network, ip_address

from asgiref.sync import sync_to_async
from axes.attempts import get_cool_off_threshold
from axes.backends import AxesStandaloneBackend
from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_client_username, get_cool_off
from axes.models import AccessAttempt, AccessLog
from django.contrib.auth.backends import ModelBackend
from django.db.models import Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

# Failures within AXES_COOLOFF_TIME, the last of which makes an end of it.
MOST_FOR_BOTH = 5
MOST_FOR_ADDRESS = 50
MOST_FOR_USER = 100
# For so long an address counts as one that the person has logged in from.
KNOWN_DAYS = 30


class Handler(AxesDatabaseHandler):
    """Keeps the counts. To axes, whose AXES_FAILURE_LIMIT is 1, one that is too high counts 1."""

    def get_failures(self, request, credentials=None) -> int:
        name, address = get_client_username(request, credentials), request.axes_ip_address
        of_user, of_address = Q(username=name), Q(ip_address=address)
        failures = AccessAttempt.objects.filter(
            of_user | of_address, attempt_time__gte=get_cool_off_threshold(request)
        ).aggregate(
            both=count(of_user & of_address), address=count(of_address), user=count(of_user)
        )
        if failures["both"] >= MOST_FOR_BOTH or failures["address"] >= MOST_FOR_ADDRESS:
            return 1
        if failures["user"] < MOST_FOR_USER:
            return 0
        return 0 if AccessLog.objects.filter(of_user, of_address).exists() else 1

    def user_logged_in(self, sender, request, user, **kwargs):
        super().user_logged_in(sender, request, user, **kwargs)
        forgotten = timezone.now() - timedelta(days=KNOWN_DAYS)
        AccessLog.objects.filter(attempt_time__lt=forgotten).delete()


def count(condition: Q) -> Sum:
    return Sum("failures_since_start", filter=condition, default=0)


class Backend(AxesStandaloneBackend, ModelBackend):
    """Django's users and passwords, throttled wherever there is a request to tell the address."""

    def authenticate(self, request, *args, **credentials):
        if request is not None:
            super().authenticate(request, *args, **credentials)  # raises PermissionDenied
        return ModelBackend.authenticate(self, request, *args, **credentials)

    async def aauthenticate(self, request, *args, **credentials):
        return await sync_to_async(self.authenticate)(request, *args, **credentials)


def client_address(request: HttpRequest) -> str | None:
    """The client's address; if it is IPv6 that of its network, as one person has billions."""
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return None
    address = getattr(address, "ipv4_mapped", None) or address
    if address.version == 6:
        address = IPv6Network((address, 64), strict=False).network_address
    return str(address)


def lockout_response(request: HttpRequest, *args) -> HttpResponse:
    """The answer to a log-in that is refused."""
    wait = get_cool_off(request)
    context = {"minutes": wait // timedelta(minutes=1)}
    response = render(request, "users/throttled.html", context, status=429)
    response["Retry-After"] = int(wait.total_seconds())
    return response
