"""How often something happened in this process."""

import threading
from collections import Counter

from django.core.signals import request_finished, request_started

counts: Counter[str] = Counter()
lock = threading.Lock()


def add(name: str, number: int = 1) -> None:
    with lock:
        counts[name] += number


def count_started(**arguments) -> None:
    add("started")


def count_finished(**arguments) -> None:
    add("finished")


request_started.connect(count_started)
request_finished.connect(count_finished)
