"""The threads of the ASGI handler."""

import asyncio
import threading
import weakref

import pytest

from example.waiting import TIMEOUT, until
from paas.asgi import threads
from paas.asgi.threads import RequestExecutor, ThreadPool, Work


async def call(pool: ThreadPool, function, *args):
    """Have a thread of the pool make the call, and return its result."""
    work = Work(function, args, asyncio.get_running_loop().create_future())
    pool.submit(work)
    return await asyncio.wait_for(work.future, TIMEOUT)


async def test_at_a_low_load_one_thread_does_all_work():
    pool = ThreadPool(3)
    barrier = threading.Barrier(3)
    await asyncio.gather(*[call(pool, barrier.wait, TIMEOUT) for _ in range(3)])
    found = set()
    for _ in range(9):
        await until(lambda: len(pool.idle) == 3)
        found.add(await call(pool, threading.current_thread))
    assert len(found) == 1


async def test_work_that_waits_is_done_in_its_order():
    pool, may_go_on = ThreadPool(1), threading.Event()
    done: list[int] = []
    waiting = asyncio.ensure_future(call(pool, may_go_on.wait, TIMEOUT))
    await until(lambda: pool.threads)
    calls = [asyncio.ensure_future(call(pool, done.append, number)) for number in range(3)]
    await until(lambda: len(pool.waiting) == 3)
    may_go_on.set()
    await asyncio.gather(waiting, *calls)
    assert done == [0, 1, 2]


async def test_a_thread_at_work_for_its_request_is_not_given_another_s():
    pool, may_go_on = ThreadPool(2), threading.Event()
    first, second = RequestExecutor(pool, set()), RequestExecutor(pool, set())
    await first.submit(len, "")
    await until(lambda: pool.idle)
    busy = first.submit(may_go_on.wait, TIMEOUT)
    try:
        assert await asyncio.wait_for(second.submit(len, ""), TIMEOUT / 2) == 0
    finally:
        may_go_on.set()
        await busy


async def test_a_call_that_is_cancelled_while_it_waits_is_not_made():
    pool, may_go_on = ThreadPool(1), threading.Event()
    busy = asyncio.ensure_future(call(pool, may_go_on.wait, TIMEOUT))
    await until(lambda: pool.threads)
    made: list[int] = []
    RequestExecutor(pool, set()).submit(made.append, 1).cancel()
    may_go_on.set()
    await busy
    assert await call(pool, len, made) == 0


async def test_a_thread_outlives_any_exception_and_keeps_nothing_of_its_work():
    class Argument:
        pass

    class Stop(BaseException):
        pass

    def fail():
        raise Stop

    pool, argument = ThreadPool(1), Argument()
    with pytest.raises(Stop):
        await call(pool, fail)
    await call(pool, str, argument)
    reference = weakref.ref(argument)
    del argument
    await until(lambda: reference() is None)


async def test_an_idle_thread_closes_its_database_connections(monkeypatch):
    closed = threading.Event()
    monkeypatch.setattr(threads, "IDLE_SECONDS", 0.01)
    monkeypatch.setattr(threads.connections, "close_all", closed.set)
    pool = ThreadPool(1)
    await call(pool, len, "")
    await until(closed.is_set)
    await asyncio.sleep(0.1)
    assert await call(pool, len, "") == 0
