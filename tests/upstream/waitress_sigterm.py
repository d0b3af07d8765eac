"""Waitress: SIGTERM ends the process at once, with its requests in flight."""

import time

from running import response_after_sigterm


def app(environ, start_response):
    time.sleep(2)
    start_response("200 OK", [("Content-Length", "8")])
    return [b"the body"]


if __name__ == "__main__":
    received = response_after_sigterm("waitress")
    print(f"received: {received!r}")
    assert b"the body" in received, "SIGTERM drops the requests in flight"
