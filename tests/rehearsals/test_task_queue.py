"""Messages in Celery's queue that are no task: each is dropped with one error line, and the next task runs."""

import json
from base64 import b64encode

import pytest

from tests.harness.combinations import by_name, for_combinations
from tests.harness.waiting import wait_until
from tests.harness.worker import events

# A worker does the same beside each web server and on each platform.
pytestmark = for_combinations(by_name("digitalocean-wsgi-waitress-use_celery"))

SECRET = "a-secret-argument"
# Seconds until the next task has run; 0.3 on an idle machine.
PATIENCE = 5


def body(content) -> dict:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return {"body": b64encode(text).decode()}


RAW = {
    "nothing": b"",
    "raw bytes": b"\xff\xfe\x00",
    "text": b"hello",
    "list": b"[]",
    "null": b"null",
    "number": b"7",
    "string": b'"x"',
    "object": b"{}",
    "nested too deep": b"[" * 100_000,
    "number too long": b"9" * 5000,
}
# What takes the place of a part of a good message, or None for a part that is missing.
PARTS: dict[str, dict] = {
    "no properties": {"properties": None},
    "properties of a list": {"properties": []},
    "body that is no base64": {"body": "%%%"},
    "body of a number": {"body": 7},
    "no body": {"body": None},
    "body that is no JSON": body(b"hello"),
    "body of bytes": body(b"\xff\xfe"),
    "body of an object": body({}),
    "body of a list": body([]),
    "arguments of null": body([None, None, None]),
    "arguments of a number": body([5, {}, {}]),
    "keyword arguments of a list": body([[], [], {}]),
    "callbacks of a number": body([[], {}, {"callbacks": 5}]),
    "errbacks of a number": body([[], {}, {"errbacks": 5}]),
    "chain without a task": body([[], {}, {"chain": [{}]}]),
    "pickle": {"content-type": "application/x-python-serialize"} | body(b"I7\n."),
    "content type of nothing": {"content-type": "application/x-nothing"},
    "no content type": {"content-type": None},
    "encoding of a list": {"content-encoding": [1]},
    "no headers": {"headers": None},
    "headers of a list": {"headers": []},
    "headers of a string": {"headers": "x"},
    "only the name": {"headers": {"task": "paas.celery.tasks.clear_sessions"}},
}
PROPERTIES: dict[str, dict] = {
    "delivery tag of null": {"delivery_tag": None},
    "delivery tag of a list": {"delivery_tag": []},
    "no delivery info": {"delivery_info": None},
    "delivery info of a string": {"delivery_info": "x"},
    "unknown encoding": {"body_encoding": "rot13"},
}
HEADERS: dict[str, dict] = {
    "unknown task": {"task": "no.such.task"},
    "task of null": {"task": None},
    "task of a list": {"task": []},
    "id of a list": {"id": [1]},
    "time that is none": {"eta": "tomorrow"},
    "expiry of a number": {"expires": 5},
    "time limit of a string": {"timelimit": "x"},
    "time limit of strings": {"timelimit": ["a", "b"]},
    "negative time limit": {"timelimit": [-1, -1]},
    "unknown compression": {"compression": "application/x-nothing"},
}
KINDS = [*RAW, *PARTS, *PROPERTIES, *HEADERS]


def message(kind: str, good: bytes) -> bytes:
    """A message of that kind; ``good`` is one of a task."""
    if kind in RAW:
        return RAW[kind]
    parts = json.loads(good)
    parts |= PARTS.get(kind, {})
    if kind in PROPERTIES:
        parts["properties"] |= PROPERTIES[kind]
    if kind in HEADERS:
        parts["headers"] |= HEADERS[kind]
        parts |= body([[SECRET], {}, {}])
    return json.dumps(parts).encode()


@pytest.fixture(scope="module")
def good(deployment, services) -> bytes:
    services.valkey.flush()
    deployment.run_script("from paas.celery.tasks import clear_sessions; clear_sessions.delay()")
    return services.valkey.queued()[0]


@pytest.fixture(scope="module")
def running(deployment, good):
    """A worker that has run the task ``good``."""
    with deployment.worker() as worker:
        wait_until(lambda: "succeeded" in worker.output(), "the first task")
        yield worker


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_that_is_no_task_is_dropped_with_one_error_line(running, services, good, kind):
    before = len(events(running))

    def new() -> list[dict]:
        return events(running)[before:]

    services.valkey.queue(message(kind, good))
    services.valkey.queue(good)
    wait_until(lambda: any("succeeded" in event["event"] for event in new()), kind, PATIENCE)
    wait_until(lambda: not services.valkey.tasks(), "the end of the task")
    [line] = [event for event in new() if event["level"] != "info"]
    assert (line["logger"], line["level"]) == ("paas.celery.queue", "error")
    assert line["event"].startswith("Dropped a message that is no task: ")
    assert SECRET not in str(line)
    assert "Traceback" not in running.output()
    assert running.is_running()


@pytest.mark.parametrize(
    "options", ["task_id=uuid.uuid4()", "task_id=7", "expires=60, time_limit=30", "priority=3"]
)
@pytest.mark.parametrize("protocol", [1, 2])
def test_a_task_is_run_however_celery_sends_it(running, deployment, protocol, options):
    before = len(events(running))
    deployment.run_script(
        "import uuid; from celery import current_app; from paas.celery.tasks import clear_sessions; "
        f"current_app.conf.task_protocol = {protocol}; clear_sessions.apply_async({options})"
    )
    wait_until(lambda: "succeeded" in str(events(running)[before:]), options, PATIENCE)
    assert {event["level"] for event in events(running)[before:]} == {"info"}
