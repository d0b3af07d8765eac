"""The headers that the platform's router sets; all others come from the client."""

import ipaddress
import re
import time
import uuid
from collections.abc import Mapping
from importlib import import_module

from django.conf import settings

from paas.middleware import NonBlockingMiddleware
from paas.variables import parse_proxies

platform = import_module(settings.PLATFORM)
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_address(headers: Mapping[str, str], peer: str) -> str:
    """The client's IP address; without a valid header, ``peer``, the address of the connection.

    The names of ``headers`` are lowercase, or case-insensitive.
    """
    if settings.DEBUG:  # there is no router
        return peer
    value = headers.get(platform.CLIENT_IP_HEADER, "").rpartition(",")[2].strip()
    proxies = parse_proxies(settings.TRUSTED_PROXIES)
    client = parse_address(value)
    if proxies and client:
        client = client_of_proxies(client, forwarded(headers, client), proxies)
    return str(client) if client else peer


def parse_address(value: str) -> Address | None:
    if "%" in value:  # a scope ID, which may be any text
        return None
    try:
        return ipaddress.ip_address(value)
    except ValueError:
        return None


def forwarded(headers: Mapping[str, str], client: Address) -> list[str]:
    """The addresses in X-Forwarded-For, without ``client`` if the platform's router appended it."""
    addresses = [each.strip() for each in headers.get("x-forwarded-for", "").split(",")]
    return addresses[:-1] if parse_address(addresses[-1]) == client else addresses


def client_of_proxies(client: Address, before: list[str], proxies: int | list) -> Address:
    """The client of your own proxies: ``client`` is the last of them, if it is trusted.

    Each proxy appends the address it was called from to X-Forwarded-For, here ``before``; what a
    client sent itself comes first.
    """
    hops = len(before) if isinstance(proxies, list) else proxies
    for value in before[::-1][:hops]:
        is_trusted = isinstance(proxies, int) or any(client in network for network in proxies)
        address = parse_address(value)
        if not is_trusted or address is None:
            break
        client = address
    return client


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
