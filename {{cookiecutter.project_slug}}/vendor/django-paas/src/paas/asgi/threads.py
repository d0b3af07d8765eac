"""The threads that run synchronous code of HTTP requests under ASGI.

They live as long as the process, so each keeps its database connection from one request to the
next (CONN_MAX_AGE), as threads of a synchronous server do.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import cast

from django.core.exceptions import RequestAborted
from django.db import connections

# A thread without work for this long closes its database connections: plans limit their number.
IDLE_SECONDS = 20


@dataclass(slots=True, eq=False)
class Work:
    """A call that a thread is to make, and the event loop's future of its result."""

    function: Callable
    args: tuple
    future: asyncio.Future

    def run(self) -> None:
        if self.future.done():  # cancelled
            return
        try:
            outcome = (self.future.set_result, self.function(*self.args))
        except BaseException as error:  # noqa: BLE001 (raised where the result is awaited)
            outcome = (self.future.set_exception, error)
        with suppress(RuntimeError):  # the loop is closed
            self.future.get_loop().call_soon_threadsafe(self.finish, *outcome)

    def finish(self, set_outcome: Callable, outcome) -> None:
        if not self.future.done():
            set_outcome(outcome)


class Thread(threading.Thread):
    """A thread of ``pool``. ``queue`` holds work for this thread alone."""

    def __init__(self, pool: "ThreadPool", work: Work):
        # A daemon: shutdown.py waits for requests, and an idle thread must not keep the process alive.
        super().__init__(name=f"requests-{len(pool.threads)}", daemon=True)
        self.pool = pool
        self.queue: SimpleQueue[Work] = SimpleQueue()
        self.queue.put(work)

    def run(self) -> None:
        while True:
            work = self.pool.next_work(self) or self.wait_for_work()
            work.run()
            del work  # else the request stays in memory until the next one

    def wait_for_work(self) -> Work:
        """Return the next work; after IDLE_SECONDS, close the thread's database connections."""
        try:
            return self.queue.get(timeout=IDLE_SECONDS)
        except Empty:
            connections.close_all()
            return self.queue.get()


class ThreadPool:
    """Up to ``size`` threads; work beyond that waits in ``waiting``, the oldest first."""

    def __init__(self, size: int):
        self.size = size
        self.threads: list[Thread] = []
        self.idle: list[Thread] = []
        self.waiting: deque[Work] = deque()
        self.lock = threading.Lock()

    def is_busy(self) -> bool:
        """Whether new work has to wait."""
        return not self.idle and len(self.threads) == self.size

    def submit(self, work: Work, thread: Thread | None = None) -> None:
        """Have a thread run the work: ``thread``, or whichever is free first."""
        with self.lock:
            if thread:
                if thread in self.idle:
                    self.idle.remove(thread)
                thread.queue.put(work)
            elif self.idle:
                # Last in, first out: under low load few threads hold a database connection.
                self.idle.pop().queue.put(work)
            elif len(self.threads) < self.size:
                self.threads.append(Thread(self, work))
                self.threads[-1].start()
            else:
                self.waiting.append(work)

    def withdraw(self, work: Work) -> bool:
        """Take back work that waits for any thread. Returns False if a thread has it."""
        with self.lock, suppress(ValueError):
            self.waiting.remove(work)
            return True
        return False

    def next_work(self, thread: Thread) -> Work | None:
        """Work that waits for any thread; None if ``thread`` must wait for its own queue."""
        with self.lock:
            if not thread.queue.empty():
                return None
            if self.waiting:
                return self.waiting.popleft()
            self.idle.append(thread)
            return None


class RequestExecutor(Executor):
    """Runs all synchronous code of one request in one thread of the pool, the first that is free.

    ``sync_to_async`` promises that with ``thread_sensitive``, its default. The executor is in the
    set ``queued`` until the thread begins.
    """

    work: Work | None = None  # the last call, until a thread begins it

    def __init__(self, pool: ThreadPool, queued: set["RequestExecutor"]):
        self.pool, self.queued = pool, queued
        self.thread: Thread | None = None
        queued.add(self)

    def submit(self, function, /, *args, **kwargs):
        """Return an asyncio.Future, which costs less than one of concurrent.futures.

        Called by the event loop's ``run_in_executor()``, which returns it as it is.
        """
        future = asyncio.get_running_loop().create_future()
        self.work = Work(self.run, (function, args, kwargs), future)
        self.pool.submit(self.work, self.thread)
        return future

    def abort(self, _) -> None:
        """Have the call raise RequestAborted, unless a thread has begun it."""
        if (work := self.work) and self.pool.withdraw(work):
            work.future.set_exception(RequestAborted)

    def run(self, function, args, kwargs):
        self.thread = cast(Thread, threading.current_thread())
        self.queued.discard(self)
        # Work refers to this executor: without this, only the garbage collector frees responses.
        self.work = None
        return function(*args, **kwargs)
