"""The threads of synchronous code under ASGI, and the database connections that they open.

A synchronous request gets one of WEB_THREADS page threads, which last, and so do their connections
(``CONN_MAX_AGE``). An async view has a thread of its own, as under Django's handler; the connections
of all those come from psycopg's pool of ASYNC_CONNECTIONS. So many async views cannot take what
pages need, and one process opens WEB_THREADS + ASYNC_CONNECTIONS connections for HTTP at most.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextvars import ContextVar

from django.db.backends.base.base import BaseDatabaseWrapper

from paas.asgi.connections import (
    adopt,
    close_all,
    close_unused,
    is_any_in_use,
    part_with_connections,
    use_pool,
)

# A page thread without a request for this long closes its database connections: plans limit them.
IDLE_SECONDS = 20
# After the response of an async view, a connection that nothing has used for this long is given back.
UNUSED_SECONDS = 1
# Async requests that start at once; the next may start after a pause in the calls of one, ...
STARTING = 16
PAUSE_SECONDS = 0.05
# ... and in any case after this long. A start took 0.5 s on a slow CPU: with 0.25 here so many began
# that some waited too long for a database connection.
TURN_SECONDS = 1


class PageThreads:
    """Up to ``size`` threads, each lent to one request at a time. Its methods run on the event loop."""

    def __init__(self, size: int):
        self.size, self.lent = size, 0
        # Each with the timer that closes its connections. Last in, first out: under low load few
        # threads hold a connection.
        self.idle: dict[ThreadPoolExecutor, asyncio.TimerHandle] = {}
        self.waiting: deque[asyncio.Future[ThreadPoolExecutor]] = deque()

    def lend(self) -> asyncio.Future[ThreadPoolExecutor]:
        """Return a future of a thread; cancel it to leave the queue."""
        lending = asyncio.get_running_loop().create_future()
        if self.lent >= self.size:
            self.waiting.append(lending)
            return lending
        self.lent += 1
        if self.idle:
            thread, timer = self.idle.popitem()
            timer.cancel()
            lending.set_result(thread)
        else:
            lending.set_result(self.make())
        return lending

    def make(self, *wrappers: BaseDatabaseWrapper) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(1, "page", initializer=adopt, initargs=wrappers)

    def give_back(self, thread: ThreadPoolExecutor) -> None:
        """Lend the thread to the request that waits longest, or keep it."""
        if self.waiting:
            self.waiting.popleft().set_result(thread)
            return
        self.lent -= 1
        timer = asyncio.get_running_loop().call_later(IDLE_SECONDS, thread.submit, close_all)
        self.idle[thread] = timer

    def replace(self, *wrappers: BaseDatabaseWrapper) -> None:
        """A thread stays with its request: a new one takes its place, with its connections."""
        self.give_back(self.make(*wrappers))

    def cancel(self, lending: asyncio.Future[ThreadPoolExecutor]) -> None:
        """The request of this lend() has no use for a thread any more."""
        if lending.done():
            self.give_back(lending.result())
        else:
            self.waiting.remove(lending)
            lending.cancel()


class Turns:
    """Async requests start a few at a time, in their order; ``waiting`` is how many wait.

    Each makes some twenty calls to its thread before its view waits. If 500 began together, those with a
    database connection would be slow, and the others would wait for one for too long.
    """

    def __init__(self):
        self.free = asyncio.Semaphore(STARTING)
        self.waiting = 0

    async def begin(self, thread: "RequestThread") -> None:
        self.waiting += 1
        try:
            await self.free.acquire()
        finally:
            self.waiting -= 1
        thread.turn = Turn(self.free, thread)


class Turn:
    """The start of one async request."""

    def __init__(self, free: asyncio.Semaphore, thread: "RequestThread"):
        self.free, self.thread = free, thread
        self.last: Future | None = None
        self.loop = asyncio.get_running_loop()
        self.latest = self.loop.time() + TURN_SECONDS
        self.timer: asyncio.TimerHandle | None = self.loop.call_later(PAUSE_SECONDS, self.check)

    def check(self) -> None:
        """End if the request has made no call since the last check, and so waits, or is slow."""
        last, self.last = self.last, self.thread.last
        is_waiting = last is self.last and (last is None or last.done())
        if is_waiting or self.loop.time() > self.latest:
            self.end()
        else:
            self.timer = self.loop.call_later(PAUSE_SECONDS, self.check)

    def end(self) -> None:
        if self.timer:
            self.timer.cancel()
            self.timer = None
            self.free.release()


class RequestThread(Executor):
    """Runs the synchronous code of one request in one thread: asgiref's executor for it.

    https://github.com/django/asgiref documents ``ThreadSensitiveContext(executor=)``.
    """

    turn: Turn | None = None
    last: Future | None = None  # of the calls

    def __init__(self, pages: PageThreads | None = None, thread: ThreadPoolExecutor | None = None):
        self.pages = pages  # to which the thread belongs; None if it is the request's own
        self.thread = thread  # made when it is needed
        self.loop = asyncio.get_running_loop()
        self.has_responded = False
        self.timer: asyncio.TimerHandle | None = None

    def submit(self, function: Callable, /, *args, **kwargs) -> Future:
        """Called on the event loop."""
        if self.thread is None:
            self.thread = ThreadPoolExecutor(1, "request", initializer=use_pool)
        if self.has_responded:
            self.watch()
        self.last = self.thread.submit(function, *args, **kwargs)
        return self.last

    def watch(self) -> None:
        if not self.timer:
            self.timer = self.loop.call_later(UNUSED_SECONDS, self.close_unused)

    def close_unused(self) -> None:
        """Give back connections that no cursor and no transaction needs; ask again while one does."""
        self.timer = None
        if self.thread:
            self.thread.submit(close_unused).add_done_callback(self.watch_again)

    def watch_again(self, closing: Future) -> None:
        """Called in the thread."""
        if closing.result():
            self.loop.call_soon_threadsafe(self.watch)

    def leave_pages(self) -> None:
        """Called in a page thread, whose request needs it for long: make it the request's own.

        But not while a cursor or a transaction is open: it is bound to this thread's connection.
        """
        if self.pages and not is_any_in_use():
            wrappers = part_with_connections()
            use_pool()
            pages, self.pages = self.pages, None
            self.loop.call_soon_threadsafe(pages.replace, *wrappers)

    def after_view(self, is_in_use: bool) -> None:
        """An async view has returned its response: what comes now starts on a fresh connection.

        ``is_in_use`` is whether close_unused() found a cursor or a transaction.
        """
        self.has_responded = True
        if not is_in_use:
            self.end()

    def end(self) -> None:
        """Part with the thread. A task that outlives the request gets another, when it needs one."""
        self.has_responded = True
        if self.turn:
            self.turn.end()
        self.turn = self.last = None
        thread, self.thread = self.thread, None
        if self.pages and thread:
            self.pages.give_back(thread)
        elif thread:
            thread.submit(close_all)
            thread.shutdown(wait=False)
        self.pages = None


current: ContextVar[RequestThread] = ContextVar("current")
