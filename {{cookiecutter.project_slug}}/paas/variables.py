"""Validators of environment variables, for ``config/settings.py``."""

from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_network

from environs import ValidationError, validate

is_mail_url = validate.Regexp(
    r"(smtps?://([^\s:/?#@]+:[^\s:/?#@]+@)?[\w.-]+(:[1-5]?\d{1,4})?)?$",
    error="Must have the form smtps://user:password@host:port, with :/?#@ percent-encoded.",
)


@cache
def parse_proxies(value: str) -> int | list[IPv4Network | IPv6Network]:
    """The value of TRUSTED_PROXIES: a number, or networks. Raises ValueError."""
    if value.isdecimal():
        return int(value)
    return [ip_network(each.strip()) for each in value.split(",") if each.strip()]


def is_proxies(value: str) -> None:
    try:
        parse_proxies(value)
    except ValueError as error:
        message = "Must be a number of proxies, or their networks: 192.0.2.0/24,2001:db8::/32."
        raise ValidationError(message) from error
