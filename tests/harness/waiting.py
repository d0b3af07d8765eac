"""Waiting for a condition, with a bound that only keeps a run from hanging."""

import time
from collections.abc import Callable

SECONDS = 120


def wait_until[T](condition: Callable[[], T], what: str, seconds: float = SECONDS) -> T:
    """Return what ``condition()`` returns once that is true.

    Raises AssertionError, which names ``what``, if it is not within ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"timed out after {seconds} s waiting for {what}"
        time.sleep(0.05)
    return found
