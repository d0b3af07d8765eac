"""What the platform's router says of a request; the rest is what the client says of itself."""

import ipaddress
import re
import time
import uuid
from collections.abc import Mapping

from django.conf import settings

from config.middleware import NonBlockingMiddleware

# <% if cookiecutter.platform == "heroku" %>
# The router appends the address that it sees: what stands before the last comma is made up.
ADDRESS = "x-forwarded-for"
# When it took the request, in milliseconds since 1970.
START = "x-request-start"
# <% else %>
# DigitalOcean documents this header, but not that the router replaces a client's: assumed here.
# https://docs.digitalocean.com/support/where-can-i-find-the-client-ip-address-of-a-request-connecting-to-my-app/
ADDRESS = "do-connecting-ip"
# It does not say when it took the request, and what a client says is no good.
START = None
# <% endif %>


def client_address(headers: Mapping[str, str], peer: str) -> str:
    """The client's address; ``peer``, which opened the connection, unless the router tells one.

    ``headers`` have lowercase names, or names in any case.
    """
    if settings.DEBUG:  # there is no router
        return peer
    try:
        return str(ipaddress.ip_address(headers.get(ADDRESS, "").rpartition(",")[2].strip()))
    except ValueError:
        return peer


def request_id(headers: Mapping[str, str]) -> str:
    """The router's id of the request, which may be the client's choice; a new one if it has none,
    or one that is not fit to be logged.
    """
    told = headers.get("x-request-id", "")
    fit = not settings.DEBUG and re.fullmatch(r"[\w-]{20,128}", told, re.ASCII)
    return told if fit else str(uuid.uuid4())


def queue_milliseconds(headers: Mapping[str, str]) -> int | None:
    """How long ago the router took the request; None if it does not say."""
    told = headers.get(START, "") if START and not settings.DEBUG else ""
    # The two machines' clocks may differ.
    return max(0, round(1000 * time.time()) - int(told)) if re.fullmatch(r"\d{13}", told) else None


class ClientAddressMiddleware(NonBlockingMiddleware):
    """``REMOTE_ADDR`` is the client's address, where the server put the router's."""

    def process_request(self, request):
        peer = request.META.get("REMOTE_ADDR", "")
        request.META["REMOTE_ADDR"] = client_address(request.headers, peer)
