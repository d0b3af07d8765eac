"""The headers that the platform's router sets; all others come from the client."""

import ipaddress
import re
import time
import uuid
from collections.abc import Mapping
from importlib import import_module

from paas.conf import settings
from paas.site.middleware import NonBlockingMiddleware

platform = import_module(settings.PLATFORM)


def client_address(headers: Mapping[str, str], peer: str) -> str:
    """The client's IP address; without a valid header, ``peer``, the address of the connection.

    The names of ``headers`` are lowercase, or case-insensitive.
    """
    if settings.DEBUG or platform.CLIENT_IP_HEADER is None:  # there is no router
        return peer
    client = parse_address(headers.get(platform.CLIENT_IP_HEADER, "").rpartition(",")[2])
    if client is None:
        return peer
    # Each of TRUSTED_PROXIES, yours before the platform, appends the address it was called from. What
    # a client sent itself comes first.
    for value in forwarded(headers)[: settings.TRUSTED_PROXIES]:
        if (address := parse_address(value)) is None:
            break
        client = address
    return client


def parse_address(value: str) -> str | None:
    """The IP address in its standard form; None if it is not valid."""
    try:
        address = ipaddress.ip_address(value.strip())
    except ValueError:
        return None
    # The scope ID of an IPv6 address may be any text.
    return None if "%" in value else str(address)


def forwarded(headers: Mapping[str, str]) -> list[str]:
    """X-Forwarded-For without the platform's own entries, the last one first."""
    entries = headers.get("x-forwarded-for", "").split(",")
    return entries[::-1][platform.FORWARDED_FOR_ENTRIES :]


def request_id(headers: Mapping[str, str]) -> str:
    """X-Request-ID, which the router may take from the client; a new id if it is not valid."""
    value = headers.get("x-request-id", "")
    is_valid = not settings.DEBUG and re.fullmatch(r"[\w-]{20,128}", value, re.ASCII)
    return value if is_valid else str(uuid.uuid4())


def queue_milliseconds(headers: Mapping[str, str]) -> int | None:
    """Milliseconds since the router received the request; None without a valid header."""
    header, units = platform.REQUEST_START_HEADER, platform.REQUEST_START_UNITS
    value = headers.get(header, "") if header and not settings.DEBUG else ""
    if not re.fullmatch(r"\d{10,20}", value):
        return None
    # Not negative: the clocks of the two machines may differ.
    return max(0, round(1000 * (time.time() - int(value) / units)))


class ClientAddressMiddleware(NonBlockingMiddleware):
    """Set ``REMOTE_ADDR`` to the client's IP address; the server has set it to the router's.

    It also ignores a charset of the client's that is none.
    """

    def process_request(self, request):
        peer = request.META.get("REMOTE_ADDR", "")
        request.META["REMOTE_ADDR"] = client_address(request.headers, peer)
        # Of the Content-Type. Django ignores unknown ones, but fails to decode a form by one that is
        # no text encoding, such as zlib.
        if request.encoding and not decodes_text(request.encoding):
            request.encoding = None


def decodes_text(encoding: str) -> bool:
    """Whether any form can be decoded, with U+FFFD in place of what is invalid."""
    try:
        b"a".decode(encoding, "replace")
    except (LookupError, UnicodeError):
        return False
    return True
