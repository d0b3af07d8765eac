"""What the queue gives a worker: all that Celery sends, and no message that is no task."""

from datetime import UTC, datetime, timedelta
from queue import Empty
from types import SimpleNamespace
from uuid import uuid4

import pytest
from celery import current_app as app
from celery import group, shared_task
from celery.app.amqp import AMQP
from django import tasks
from kombu.message import Message
from redis.exceptions import ConnectionError, DataError, ResponseError, TimeoutError

from paas.celery.queue import check, dropping

TOMORROW = datetime.now(UTC) + timedelta(days=1)


@shared_task
def task(*args, **kwargs):
    pass


# Options of apply_async(), by what is special: https://docs.celeryq.dev/en/stable/userguide/calling.html
SENT: dict[str, dict] = {
    "arguments": {"args": [1, uuid4(), TOMORROW], "kwargs": {"name": None}},
    "UUID as id": {"task_id": uuid4()},
    "number as id": {"task_id": 7},
    "delay": {"countdown": 60},
    "time": {"eta": TOMORROW},
    "time without a zone": {"eta": TOMORROW.replace(tzinfo=None)},
    "day": {"eta": "2035-01-01"},
    "expiry in seconds": {"expires": 60},
    "expiry": {"expires": TOMORROW},
    "time limits": {"time_limit": 30.5, "soft_time_limit": 20},
    "time limits of nothing": {"time_limit": -1, "soft_time_limit": 0},
    "soft time limit": {"soft_time_limit": 20},
    "callback": {"link": task.si()},
    "callback and errback by name": {"link": task.name, "link_error": task.name},
    "callbacks": {"link": [task.s(), task.s() | task.s(), group(task.s(), task.s())]},
    "errback": {"link_error": task.s()},
    "headers": {"headers": {"tenant": [1, {"name": "a"}]}},
    "shadow": {"shadow": "another name"},
    "compression": {"compression": "zlib"},
    "priority": {"priority": 3},
    "retry": {"retries": 3},
}


@pytest.fixture
def sent(monkeypatch):
    """A function that sends a task, and returns what a worker receives."""
    monkeypatch.setitem(app.conf, "task_always_eager", False)
    monkeypatch.setattr(app, "amqp", AMQP(app))  # which keeps its first protocol

    def send(signature, queue="celery", **options) -> Message:
        with app.connection() as broker:
            messages = broker.SimpleQueue(queue)
            messages.clear()
            signature.apply_async(**options)
            message = messages.get(timeout=1)
            message.ack()
        return message

    return send


@pytest.mark.parametrize("protocol", [1, 2])
@pytest.mark.parametrize("kind", SENT)
def test_a_worker_gets_all_that_celery_sends(sent, monkeypatch, protocol, kind):
    monkeypatch.setitem(app.conf, "task_protocol", protocol)
    check(sent(task.s(), **SENT[kind]))


@pytest.mark.parametrize(
    "signature",
    [
        task.si() | task.si() | task.si(),
        task.si() | group(task.si(), task.si()),
        task.map([1, 2]),
        task.starmap([(1, 2)]),
        task.chunks([(1,), (2,)], 1),
    ],
    ids=["chain", "chain of a group", "map", "starmap", "chunks"],
)
def test_a_worker_gets_each_part_of_a_canvas(sent, signature):
    check(sent(signature))


class Received:
    """A message; ``rejected`` says that it is out of the queue."""

    acknowledged = False
    rejected = False

    def reject(self):
        self.rejected = True


@pytest.mark.parametrize("error", [ValueError, KeyError, RecursionError, DataError])
def test_a_message_at_which_celery_fails_is_dropped(error, events):
    message = Received()

    def fail(message):
        raise error("no task")

    dropping(fail)(message)
    assert message.rejected
    [line] = events()
    assert (line["logger"], line["level"]) == ("paas.celery.queue", "error")
    assert line["event"].startswith(f"Dropped a message that is no task: {error.__name__}: ")


@pytest.mark.parametrize(
    "error", [Empty, MemoryError, OSError, ConnectionError, ResponseError, TimeoutError]
)
def test_an_error_of_redis_is_not_taken_for_one_of_a_message(error):
    message = Received()

    def fail(message):
        raise error

    with pytest.raises(error):
        dropping(fail)(message)
    assert not message.rejected


def test_a_worker_gets_the_task_in_the_documents_of_the_protocol():
    # "embed" is null there: https://docs.celeryq.dev/en/stable/internals/protocol.html#example
    body = {"body": "[[2, 2], {}, null]", "content_type": "application/json"}
    headers = {"lang": "py", "task": task.name, "id": str(uuid4())}
    check(Message(**body, content_encoding="utf-8", headers=headers))


@tasks.task
def greet(name):
    pass


@pytest.mark.parametrize(
    ("options", "priority", "queue"),
    [
        ({}, 5, "celery"),
        ({"priority": 100}, 0, "celery"),
        ({"priority": -100, "queue_name": "slow"}, 9, "slow"),
    ],
)
def test_a_worker_gets_a_task_of_django(sent, options, priority, queue):
    django_task = greet.using(**options, run_after=TOMORROW)
    message = sent(SimpleNamespace(apply_async=lambda: django_task.enqueue("Ada")), queue)
    check(message)
    assert message.properties["priority"] == priority
    assert message.headers["eta"] == TOMORROW.isoformat()
    assert message.headers["shadow"] == greet.module_path


def test_a_worker_gets_a_task_of_the_first_protocol_without_an_id():
    body = {"body": f'{{"task": "{task.name}", "args": "ab"}}', "content_type": "application/json"}
    check(Message(**body, content_encoding="utf-8"))
