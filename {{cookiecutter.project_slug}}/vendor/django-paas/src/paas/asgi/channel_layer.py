"""The channel layer on Redis, and how to send to a group of WebSockets.

https://channels.readthedocs.io/en/stable/topics/channel_layers.html
"""

import asyncio
import logging
from typing import Any

from channels.layers import get_channel_layer
from channels_redis.pubsub import RedisPubSubChannelLayer
from redis import ConnectionError as RedisConnectionError
from redis.asyncio import Connection
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from paas.conf import settings

# Seconds: to connect, from one PING to the next, and to answer it.
CONNECT_TIMEOUT, PING_INTERVAL, PONG_TIMEOUT = 3, 10, 5

logger = logging.getLogger(__name__)


class PongTimeout:
    """Mixin for redis-py's Connection: raise an error if Redis no longer answers PING, so that redis-py
    connects and subscribes again.

    redis-py sends the PING of ``health_check_interval`` on a Pub/Sub connection, but waits for no
    answer. If the network drops a connection without closing it, no message would ever arrive.
    """

    unanswered_since: float | None = None

    async def read_response(self, *args, **kwargs):
        response = await super().read_response(*args, **kwargs)  # type: ignore[misc]
        now = asyncio.get_running_loop().time()
        # redis-py moves next_health_check with each response, and returns None if there is none.
        if response is not None or now < self.next_health_check:  # type: ignore[attr-defined]
            self.unanswered_since = None
        elif self.unanswered_since is None:
            self.unanswered_since = now
        elif now > self.unanswered_since + PONG_TIMEOUT:
            self.unanswered_since = None
            logger.warning("Redis sent no answer on the channel layer's connection: reconnecting.")
            raise RedisConnectionError("no answer to PING")
        return response


class ChannelLayer(RedisPubSubChannelLayer):
    """Redis Pub/Sub at REDIS_URL: two connections per process."""

    def __init__(self, *args, **kwargs):
        host: dict[str, Any] = {**parse_url(settings.REDIS_URL)}
        # As the URL says: with TLS, without it, or a Unix domain socket.
        connection = host.get("connection_class", Connection)
        host |= {
            "connection_class": type("WatchedConnection", (PongTimeout, connection), {}),
            "health_check_interval": PING_INTERVAL,
            "socket_connect_timeout": CONNECT_TIMEOUT,
            # After a restart of Redis the first command meets a closed connection.
            "retry": Retry(NoBackoff(), 1),
        }
        super().__init__(*args, hosts=[host], **kwargs)


async def send_to_group(group: str, message: dict) -> None:
    """Send ``message`` to the group's consumers; if Redis is unavailable, log a warning."""
    # The first attempt after Redis was unavailable meets a closed connection.
    for last_attempt in (False, True):
        try:
            await get_channel_layer().group_send(group, message)
        except Exception:  # noqa: BLE001 (each layer has errors of its own)
            if last_attempt:
                logger.warning("The channel layer is unavailable: %s not sent.", message["type"])
        else:
            return
