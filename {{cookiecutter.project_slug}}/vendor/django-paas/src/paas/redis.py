"""The probe of Redis for /readyz."""

from redis import Redis

from paas.conf import settings

PROBE_TIMEOUT = 0.7  # seconds


def probe_redis() -> str:
    """Raise an error unless Redis answers. Without REDIS_URL, as in development, return "ok"."""
    if settings.REDIS_URL:
        options = {"socket_timeout": PROBE_TIMEOUT, "socket_connect_timeout": PROBE_TIMEOUT}
        with Redis.from_url(settings.REDIS_URL, **options) as client:
            client.ping()
    return "ok"
