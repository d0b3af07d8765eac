"""Messages in Celery's queue that are no task: a worker drops each with one error line, and goes on."""

import json
from base64 import b64encode

from tests.harness.combinations import by_name, for_combinations
from tests.harness.waiting import wait_until
from tests.harness.worker import events

# A worker does the same beside each web server and on each platform.
pytestmark = for_combinations(by_name("digitalocean-wsgi-waitress-use_celery"))

SECRET = "a-secret-argument"


def body(content) -> dict:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return {"body": b64encode(text).decode()}


RAW = {
    "nothing": b"",
    "text": b"hello",
    "number": b"7",
    "object": b"{}",
    "nested too deep": b"[" * 100_000,
    "number too long": b"9" * 5000,
}
# What takes the place of a part of a good message, or None for a part that is missing.
PARTS: dict[str, dict] = {
    "no properties": {"properties": None},
    "body that is no base64": {"body": "%%%"},
    "no body": {"body": None},
    "body that is no JSON": body(b"hello"),
    "body of a list": body([]),
    "arguments of null": body([None, None, None]),
    "keyword arguments of a list": body([[], [], {}]),
    "callbacks of a number": body([[], {}, {"callbacks": 5}]),
    "chain without a task": body([[], {}, {"chain": [{}]}]),
    "pickle": {"content-type": "application/x-python-serialize"} | body(b"I7\n."),
    "content type of nothing": {"content-type": "application/x-nothing"},
    "encoding of a list": {"content-encoding": [1]},
    "no headers": {"headers": None},
    "headers of a list": {"headers": []},
    "only the name": {"headers": {"task": "paas.celery.tasks.clear_sessions"}},
}
PROPERTIES: dict[str, dict] = {
    "delivery tag of a list": {"delivery_tag": []},
    "delivery info of a string": {"delivery_info": "x"},
    "unknown encoding": {"body_encoding": "rot13"},
}
HEADERS: dict[str, dict] = {
    "unknown task": {"task": "no.such.task"},
    "id of a list": {"id": [1]},
    "time that is none": {"eta": "tomorrow"},
    "time limit of strings": {"timelimit": ["a", "b"]},
    "time limit of one": {"timelimit": [30]},
    "expiry of a number": {"expires": 5},
    "negative time limit": {"timelimit": [-1, -1]},
    "unknown compression": {"compression": "application/x-nothing"},
}


def messages(good: bytes) -> list[bytes]:
    """One of each kind, made of a good message."""
    parts = json.loads(good)
    secret = body([[SECRET], {}, {}])
    changed = [
        *PARTS.values(),
        *({"properties": parts["properties"] | change} for change in PROPERTIES.values()),
        *({"headers": parts["headers"] | change} | secret for change in HEADERS.values()),
    ]
    return [*RAW.values(), *(json.dumps(parts | change).encode() for change in changed)]


def test_messages_that_are_no_task_are_dropped_with_one_error_line_each(deployment, services):
    valkey = services.valkey
    valkey.flush()
    deployment.run_script("from paas.celery.tasks import clear_sessions; clear_sessions.delay()")
    [good] = valkey.queued()
    bad = messages(good)
    for message in bad:
        valkey.queue(message)
    valkey.queue(good)
    with deployment.worker() as worker:
        wait_until(lambda: worker.output().count("succeeded") >= 2, "both tasks")
        wait_until(lambda: not valkey.tasks(), "the end of all")
        lines = [event for event in events(worker) if event["level"] == "error"]
    assert {line["logger"] for line in lines} == {"paas.celery.queue"}
    sentence = "Dropped a message that is no task: "
    assert [line for line in lines if not line["event"].startswith(sentence)] == []
    assert len(lines) == len(bad)
    assert SECRET not in str(lines)
    assert "Traceback" not in worker.output()
