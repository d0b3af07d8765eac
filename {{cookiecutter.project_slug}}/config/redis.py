from django.conf import settings
from redis import Redis

SECONDS = 0.7


def probe_redis() -> str:
    """Raise unless Redis answers; development may do without."""
    if settings.REDIS_URL:
        options = {"socket_timeout": SECONDS, "socket_connect_timeout": SECONDS}
        with Redis.from_url(settings.REDIS_URL, **options) as client:
            client.ping()
    return "ok"
