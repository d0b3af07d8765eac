"""The channel layer on Redis, and how to send to a group of WebSockets.

https://channels.readthedocs.io/en/stable/topics/channel_layers.html
"""

import logging

from channels.layers import get_channel_layer
from channels_redis.pubsub import RedisPubSubChannelLayer
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from paas.conf import settings

CONNECT_TIMEOUT = 3  # seconds

logger = logging.getLogger(__name__)


class ChannelLayer(RedisPubSubChannelLayer):
    """Redis Pub/Sub at REDIS_URL: two connections per process."""

    def __init__(self, *args, **kwargs):
        host = {
            "address": settings.REDIS_URL,
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
