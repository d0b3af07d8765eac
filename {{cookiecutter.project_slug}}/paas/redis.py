"""Redis: the cache's connections, and the probe of /readyz."""

from threading import Lock

from django.conf import settings
from django.core.cache.backends import redis
from redis import BlockingConnectionPool, Redis

PROBE_TIMEOUT = 0.7  # seconds


class SharedPool(BlockingConnectionPool):
    """The process's only connection pool of the cache.

    Django makes a cache per thread, or per request on an event loop, with a pool each; so
    ``max_connections`` would limit nothing (https://code.djangoproject.com/ticket/35651).
    """

    pools: dict[tuple[str, int], BlockingConnectionPool] = {}
    lock = Lock()

    @classmethod
    def from_url(cls, url, db=0, **options):
        with cls.lock:
            if (url, db) not in cls.pools:
                cls.pools[url, db] = super().from_url(url, db=db, **options)
            return cls.pools[url, db]


class RedisCache(redis.RedisCache):
    """Django's cache with a limit of connections; OPTIONS in settings.CACHES override these."""

    def __init__(self, server, params):
        options = {
            "pool_class": SharedPool,
            # Connections per process; if all are in use, wait up to ``timeout`` seconds for one.
            "max_connections": 3,
            "timeout": 3,
            # cache.clear() empties the whole Redis database: the cache has one of its own.
            "db": 1,
        }
        super().__init__(server, {**params, "OPTIONS": options | params.get("OPTIONS", {})})


def probe_redis() -> str:
    """Raise an error unless Redis answers. Without REDIS_URL, as in development, return "ok"."""
    if settings.REDIS_URL:
        options = {"socket_timeout": PROBE_TIMEOUT, "socket_connect_timeout": PROBE_TIMEOUT}
        with Redis.from_url(settings.REDIS_URL, **options) as client:
            client.ping()
    return "ok"
