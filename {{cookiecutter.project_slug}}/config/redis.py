"""Redis, apart from the channel layer: the cache's connections, and the probe of /readyz."""

from threading import Lock

from django.conf import settings
from redis import BlockingConnectionPool, Redis

SECONDS = 0.7


class SharedPool(BlockingConnectionPool):
    """The process's one pool of connections for the cache.

    Django makes a cache for every thread, and under ASGI for every request, and asks for a pool
    for each: without this ``max_connections`` would bound just that one
    (https://code.djangoproject.com/ticket/35651).
    """

    pools: dict[tuple[str, int], BlockingConnectionPool] = {}
    lock = Lock()

    @classmethod
    def from_url(cls, url, db=0, **options):
        with cls.lock:
            if (url, db) not in cls.pools:
                cls.pools[url, db] = super().from_url(url, db=db, **options)
            return cls.pools[url, db]


def probe_redis() -> str:
    """Raise unless Redis answers; development may do without."""
    if settings.REDIS_URL:
        options = {"socket_timeout": SECONDS, "socket_connect_timeout": SECONDS}
        with Redis.from_url(settings.REDIS_URL, **options) as client:
            client.ping()
    return "ok"
