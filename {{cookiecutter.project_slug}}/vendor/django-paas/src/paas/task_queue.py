"""Celery's queue in Redis: a message that is no task is dropped, with one error line.

Celery alone would end its worker, or reconnect and get the same message again. The line does not show the
message, which may hold a secret.
"""

from datetime import datetime
from queue import Empty

from celery import current_app
from celery.utils.log import get_logger
from kombu.message import Message
from kombu.serialization import prepare_accept_content
from kombu.transport import redis
from redis.exceptions import ConnectionError, ResponseError, TimeoutError

logger = get_logger(__name__)


class Channel(redis.Channel):
    def _brpop_read(self, **options):
        """Read a message and start its task; raises errors of Redis, and Empty if there is none."""
        delivered = set(self.qos._delivered)
        try:
            return super()._brpop_read(**options)
        except (Empty, MemoryError, OSError, ConnectionError, ResponseError, TimeoutError):
            raise
        except Exception as error:  # noqa: BLE001 (Celery fails in many ways)
            logger.error("Dropped a message that is no task: %s: %s", type(error).__name__, error)
            for tag in self.qos._delivered.keys() - delivered:
                self.basic_reject(tag)
            return True

    def basic_consume(self, queue, no_ack, callback, consumer_tag, **options):
        def receive(message: Message):
            if queue in current_app.amqp.queues:  # the others are of Celery's remote control
                check(message)
            return callback(message)

        return super().basic_consume(queue, no_ack, receive, consumer_tag, **options)


class Transport(redis.Transport):
    """``broker_transport`` in ``paas/celery.py``."""

    Channel = Channel


def check(message: Message) -> None:
    """Raise an exception if a worker would fail at the message only after Celery has taken it.

    https://docs.celeryq.dev/en/stable/internals/protocol.html
    """
    if message.errors:  # it cannot be decompressed
        message._reraise_error()
    headers = message.headers
    message.accept = prepare_accept_content(current_app.conf.accept_content)
    args, kwargs, embed = message.decode()
    if not (isinstance(args, list | tuple) and isinstance(kwargs, dict)):
        raise TypeError("its arguments are no list and no mapping")
    for name in ("callbacks", "errbacks", "chain"):
        if not all(isinstance(signature["task"], str) for signature in embed.get(name) or []):
            raise TypeError(f"its {name} name no tasks")
    if headers["task"] not in current_app.tasks:
        raise LookupError(f"there is no task {headers['task']!r}")
    if not isinstance(headers["id"], str):
        raise TypeError("its id is no string")
    for name in ("eta", "expires"):
        datetime.fromisoformat(headers.get(name) or "2000-01-01")
    hard, soft = headers.get("timelimit") or (None, None)
    if min(hard or 1, soft or 1) <= 0:
        raise ValueError("its time limit is negative")
