"""A plugin of pytest: our channel layer in the place of the one that the tests import."""

import os

from channels_redis import pubsub
from django.conf import settings
from paas.asgi.channel_layer import ChannelLayer

settings.configure(REDIS_URL=os.environ["REDIS_URL"])


class Layer(ChannelLayer):
    def __init__(self, hosts):
        """``hosts`` is REDIS_URL, which ours takes from the settings."""
        super().__init__()


pubsub.RedisPubSubChannelLayer = Layer
