"""Database connections of async views and streams: a pool for all of them in this process.

Django opens a connection for each thread, so 200 async views would open 200. Its support for
psycopg's pool bounds that: https://docs.djangoproject.com/en/stable/ref/databases/#connection-pool
"""

import atexit
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from paas.conf import settings
from paas.db.pool import pool_options

# Seconds after which the pool closes a connection that nobody has used: plans limit their number.
POOL_MAX_IDLE = 20


def track_cursors() -> None:
    """Have is_in_use() see the cursors of QuerySet.iterator() in this thread."""
    for wrapper in connections.all():
        wrapper.open_cursors = weakref.WeakSet()  # type: ignore[attr-defined]
        # No reference to the wrapper itself: that cycle would keep its connection open.
        chunked_cursor = partial(tracked_cursor, weakref.ref(wrapper))
        wrapper.chunked_cursor = chunked_cursor  # type: ignore[method-assign]


def tracked_cursor(reference: weakref.ref):
    wrapper: Any = reference()
    cursor = type(wrapper).chunked_cursor(wrapper)
    wrapper.open_cursors.add(cursor)
    return cursor


def part_with_connections() -> list[BaseDatabaseWrapper]:
    """Take its connections from this thread, for another one to adopt."""
    wrappers = [*connections.all(initialized_only=True)]
    for wrapper in wrappers:
        del connections[wrapper.alias]
    return wrappers


def adopt(*wrappers: BaseDatabaseWrapper) -> None:
    """Called in a new page thread."""
    for wrapper in wrappers:
        wrapper.inc_thread_sharing()  # else it is for the thread that made it
        connections[wrapper.alias] = wrapper
    track_cursors()


def use_pool() -> None:
    """Have this thread take its connections from the pool, from the next one on."""
    track_cursors()
    for wrapper in connections.all():
        if wrapper.vendor == "postgresql":
            pool = pool_options(settings.ASYNC_CONNECTIONS) | {"max_idle": POOL_MAX_IDLE}
            options = wrapper.settings_dict["OPTIONS"] | {"pool": pool}
            changes = {"CONN_MAX_AGE": 0, "OPTIONS": options}
            wrapper.settings_dict = wrapper.settings_dict | changes


def close_pool() -> None:
    """At the end of the process: Python would wait for the threads of an open pool."""
    use_pool()
    for wrapper in connections.all():
        if wrapper.vendor == "postgresql":
            wrapper.close_pool()  # type: ignore[attr-defined]


def is_in_use(wrapper: BaseDatabaseWrapper) -> bool:
    """Whether a transaction or a cursor of QuerySet.iterator() is open."""
    cursors = list(getattr(wrapper, "open_cursors", ()))
    # Of SQLite, a cursor does not tell.
    return wrapper.in_atomic_block or any(not getattr(one, "closed", False) for one in cursors)


def is_any_in_use() -> bool:
    return any(map(is_in_use, connections.all(initialized_only=True)))


def close_unused() -> bool:
    """Close this thread's connections that are not in use; return whether one is."""
    for wrapper in connections.all(initialized_only=True):
        if not is_in_use(wrapper):
            wrapper.close()
    return is_any_in_use()


def close_all() -> None:
    connections.close_all()


class ClosingExecutor(ThreadPoolExecutor):
    """The event loop's default executor: a call leaves no connection open in its thread.

    Django renders the error pages of async views in it, and so in a thread of its own.
    """

    def __init__(self):
        super().__init__(thread_name_prefix="executor", initializer=use_pool)
        atexit.register(close_pool)

    def submit(self, function, /, *args, **kwargs):
        return super().submit(self.call, function, *args, **kwargs)

    @staticmethod
    def call(function, *args, **kwargs):
        try:
            return function(*args, **kwargs)
        finally:
            connections.close_all()
