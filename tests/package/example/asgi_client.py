"""Requests to an ASGI application in this event loop."""

from asgiref.testing import ApplicationCommunicator

from example.waiting import TIMEOUT


def scope_of(path: str, method: str, headers: dict[str, str], **more) -> dict:
    raw = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    return {"type": "http", "method": method, "path": path, "headers": raw, **more}


def start(
    application, path: str, *bodies: bytes, complete=True, scope: dict | None = None, **headers: str
) -> ApplicationCommunicator:
    """Send a request; without ``complete`` more of its body is to come."""
    method = "POST" if bodies else "GET"
    scope = scope_of(path, method, headers, **(scope or {}))
    communicator = ApplicationCommunicator(application, scope)
    for number, body in enumerate(bodies or [b""], start=1):
        more = number < len(bodies) or not complete
        message = {"type": "http.request", "body": body, "more_body": more}
        communicator.input_queue.put_nowait(message)
    assert communicator.future  # reading it starts the application
    return communicator


async def read_response(communicator) -> tuple[int, bytes]:
    """Return the status and the body."""
    begin = await communicator.receive_output(TIMEOUT)
    return begin["status"], b"".join(await read_parts(communicator))


async def read_parts(communicator) -> list[bytes]:
    """Return the messages of the body."""
    parts, more = [], True
    while more:
        message = await communicator.receive_output(TIMEOUT)
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return parts
