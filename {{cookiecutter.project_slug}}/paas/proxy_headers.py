"""The headers that the platform's router sets; all others come from the client."""

import ipaddress
import re
import time
import uuid
from collections.abc import Mapping
from importlib import import_module

from django.conf import settings

from paas.middleware import NonBlockingMiddleware

platform = import_module(settings.PLATFORM)


def client_address(headers: Mapping[str, str], peer: str) -> str:
    """The client's IP address; without a valid header, ``peer``, the address of the connection.

    The names of ``headers`` are lowercase, or case-insensitive.
    """
    if settings.DEBUG:  # there is no router
        return peer
    value = headers.get(platform.CLIENT_IP_HEADER, "").rpartition(",")[2].strip()
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        return peer


def request_id(headers: Mapping[str, str]) -> str:
    """X-Request-ID, which the router may take from the client; a new id if it is not valid."""
    value = headers.get("x-request-id", "")
    is_valid = not settings.DEBUG and re.fullmatch(r"[\w-]{20,128}", value, re.ASCII)
    return value if is_valid else str(uuid.uuid4())


def queue_milliseconds(headers: Mapping[str, str]) -> int | None:
    """Milliseconds since the router received the request; None without a valid header."""
    header = platform.REQUEST_START_HEADER
    value = headers.get(header, "") if header and not settings.DEBUG else ""
    if not re.fullmatch(r"\d{13}", value):
        return None
    # Not negative: the clocks of the two machines may differ.
    return max(0, round(1000 * time.time()) - int(value))


class ClientAddressMiddleware(NonBlockingMiddleware):
    """Set ``REMOTE_ADDR`` to the client's IP address; the server has set it to the router's."""

    def process_request(self, request):
        peer = request.META.get("REMOTE_ADDR", "")
        request.META["REMOTE_ADDR"] = client_address(request.headers, peer)
