"""Celery's queue in Redis: a message that is no task is dropped, with one error line; and what a
running worker has not acknowledged is not delivered to another one.

Celery alone would end its worker, or reconnect and get the same message again. The line does not show the
message, which may hold a secret.
"""

import time
from collections.abc import Callable
from queue import Empty

from celery import current_app
from celery.utils.log import get_logger
from celery.utils.time import maybe_iso8601, maybe_make_aware
from kombu.message import Message
from kombu.serialization import prepare_accept_content
from kombu.transport import redis
from redis.exceptions import DataError, RedisError

logger = get_logger(__name__)


class QoS(redis.QoS):
    """What this worker has received and not acknowledged.

    Without this, a task that waits for its ``eta``, a retry or a rate limit is queued again after each
    visibility timeout: one with a countdown of an hour would run four times.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.held: set[str] = set()

    def append(self, message, delivery_tag):
        super().append(message, delivery_tag)
        self.held.add(delivery_tag)

    def ack(self, delivery_tag):
        self.held.discard(delivery_tag)
        super().ack(delivery_tag)

    def reject(self, delivery_tag, requeue=False):
        self.held.discard(delivery_tag)
        super().reject(delivery_tag, requeue)

    def restore_visible(self, *args, **kwargs):
        """Called every 10 seconds: to Redis, what this worker holds was just received."""
        if self.held:
            received = dict.fromkeys(self.held, time.time())
            with self.channel.conn_or_acquire() as client:
                client.zadd(self.unacked_index_key, received, xx=True)
        super().restore_visible(*args, **kwargs)


class Channel(redis.Channel):
    """Drops what cannot be read from Redis, and what cannot be run."""

    QoS = QoS

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # It reads one message and calls what basic_consume() was given.
        self.handlers["BRPOP"] = dropping(self.handlers["BRPOP"])

    def basic_consume(self, queue, no_ack, callback, consumer_tag, **options):
        def take(message: Message):
            if queue in current_app.amqp.queues:  # the others are of Celery's remote control
                check(message)
            callback(message)

        super().basic_consume(queue, no_ack, dropping(take), consumer_tag, **options)


class Transport(redis.Transport):
    """``broker_transport`` in ``paas/celery/config.py``."""

    Channel = Channel


def dropping(handle: Callable) -> Callable:
    """``handle``, which may get a message; an error that is the message's is logged, and not raised."""

    def handle_or_drop(*messages: Message) -> None:
        try:
            handle(*messages)
        except DataError as error:  # redis-py cannot send what the message has
            drop(messages, error)
        except (Empty, MemoryError, OSError, RedisError):
            raise
        except Exception as error:  # noqa: BLE001 (Celery fails in many ways)
            drop(messages, error)

    return handle_or_drop


def drop(messages: tuple[Message, ...], error: Exception) -> None:
    logger.error("Dropped a message that is no task: %s: %s", type(error).__name__, error)
    for message in messages:
        if not message.acknowledged:
            message.reject()


def check(message: Message) -> None:
    """Raise an exception if a worker would fail at the message only after Celery has taken it.

    https://docs.celeryq.dev/en/stable/internals/protocol.html
    """
    if message.errors:  # it cannot be decompressed
        # The types of kombu have no errors.
        raise message.errors[0][1]  # type: ignore[misc]
    message.accept = prepare_accept_content(current_app.conf.accept_content)
    body, options = message.decode(), message.headers
    if isinstance(body, dict):  # protocol 1, where the body has all
        options, embed = body | options, body
        args, kwargs = body.get("args", ()), body.get("kwargs", {})
        if "args" in body:  # Celery needs no id then
            options.setdefault("id", None)
    else:
        args, kwargs, embed = body
    iter(args)  # a list, or anything else that Celery can unpack
    if not isinstance(kwargs, dict):
        raise TypeError("its keyword arguments are not a mapping")
    for name in ("callbacks", "errbacks", "chain"):
        for each in (embed or {}).get(name) or []:
            is_name = isinstance(each, str) and name != "chain"
            if not is_name and not isinstance(each["task"], str):
                raise TypeError(f"its {name} name no tasks")
    if options["task"] not in current_app.tasks:
        raise LookupError(f"there is no task {options['task']!r}")
    hash(options["id"])
    for name in ("eta", "expires"):
        if (moment := options.get(name)) is not None:
            maybe_make_aware(maybe_iso8601(moment))
    _, soft = options.get("timelimit") or (None, None)
    if (soft or 0) < 0:
        raise ValueError("its soft time limit is negative")
