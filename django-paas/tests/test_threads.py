"""The threads of the ASGI handler."""

import threading
import time
import weakref

from paas.asgi import threads
from paas.asgi.threads import RequestExecutor, ThreadPool, Work

# Seconds; enough on a busy machine.
TIMEOUT = 10


def until(condition) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def submit(pool: ThreadPool, function, *args):
    """Have a thread of the pool make the call; returns its future."""
    work = Work(function, args)
    pool.submit(work)
    return work.future


def test_at_a_low_load_one_thread_does_all_work():
    pool = ThreadPool(3)
    barrier = threading.Barrier(3)
    for call in [submit(pool, barrier.wait, TIMEOUT) for _ in range(3)]:
        call.result(TIMEOUT)
    found = set()
    for _ in range(9):
        until(lambda: len(pool.idle) == 3)
        found.add(submit(pool, threading.current_thread).result(TIMEOUT))
    assert len(found) == 1


def test_work_that_waits_is_done_in_its_order():
    pool, may_go_on = ThreadPool(1), threading.Event()
    done: list[int] = []
    submit(pool, may_go_on.wait, TIMEOUT)
    calls = [submit(pool, done.append, number) for number in range(3)]
    may_go_on.set()
    for call in calls:
        call.result(TIMEOUT)
    assert done == [0, 1, 2]


def test_a_thread_at_work_for_its_request_is_not_given_another_s():
    pool, may_go_on = ThreadPool(2), threading.Event()
    first, second = RequestExecutor(pool, set()), RequestExecutor(pool, set())
    first.submit(len, "").result(TIMEOUT)
    until(lambda: pool.idle)
    first.submit(may_go_on.wait, TIMEOUT)
    try:
        assert second.submit(len, "").result(TIMEOUT / 2) == 0
    finally:
        may_go_on.set()


def test_a_thread_outlives_any_exception_and_keeps_nothing_of_its_work():
    class Argument:
        pass

    def fail():
        raise SystemExit

    pool, argument = ThreadPool(1), Argument()
    assert submit(pool, fail).exception(TIMEOUT)
    submit(pool, str, argument).result(TIMEOUT)
    reference = weakref.ref(argument)
    del argument
    until(lambda: reference() is None)


def test_an_idle_thread_closes_its_database_connections(monkeypatch):
    closed = threading.Event()
    monkeypatch.setattr(threads, "IDLE_SECONDS", 0.01)
    monkeypatch.setattr(threads.connections, "close_all", closed.set)
    pool = ThreadPool(1)
    submit(pool, len, "").result(TIMEOUT)
    assert closed.wait(TIMEOUT)
    time.sleep(0.1)
    assert submit(pool, len, "").result(TIMEOUT) == 0
