"""Gunicorn's ``gthread`` worker, whose threads wait for no client.

The stock worker holds a thread while a client sends or reads slowly. Here the main loop reads each
request whole before a thread takes it, and sends what is unsent when the thread is done. It also
enforces paas/limits.py, and shuts down gracefully. It speaks plain HTTP/1.1, as routers do.
"""

import math
import selectors
import socket
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from paas.conf import settings
from paas.health import PATHS as HEALTH_CHECK_PATHS
from paas.limits import (
    DISCARD_PAUSE_SECONDS,
    OVERLOADED,
    DiscardedBody,
    ErrorResponse,
    log_full,
)
from paas.servers.request_buffer import RequestBuffer, RequestRejected
from paas.servers.response_buffer import ResponseBuffer

# After SIGTERM keep accepting for this long, as the router may still send requests.
ACCEPT_GRACE_SECONDS = 1
# A request that waited this long for a thread is dropped if its client has disconnected.
PATIENCE_SECONDS = 0.1
# A pool of their own: health checks do not queue behind pages.
HEALTH_CHECK_THREADS = 2
RECEIVE_SIZE = 65536
# SO_SNDBUF. The kernel reports a socket as writable once a third of it is free. By default it grows
# to 4 MB, so that SEND_TIMEOUT would disconnect clients that do read, but slowly.
SEND_BUFFER_SIZE = 131_072


class Connection(TConn):
    """A client's connection. The main loop drops it at ``deadline``, of time.monotonic()."""

    deadline = math.inf
    # EVENT_READ or EVENT_WRITE while the main loop waits for that, else 0.
    event = 0
    # Whether it is in a thread pool: its request runs, or waits for a thread.
    is_running = False
    queued_at = 0.0
    keep_alive = True

    def __init__(self, worker: "Worker", client: socket.socket, address, server):
        super().__init__(worker.cfg, client, address, server)
        self.socket = client
        on_backlog = partial(worker.method_queue.defer, worker.call, worker.wait_to_write, self)
        self.discarded = DiscardedBody()
        self.sock = ResponseBuffer(client, on_backlog)
        self.parser = RequestBuffer(worker.cfg, address)
        # For ThreadWorker.handle(): the request has been read, and the parser exists.
        self.initialized = self.data_ready = True

    def is_idle(self) -> bool:
        """Whether it waits only for a next request, or for the client to close."""
        return not self.parser.progress

    @property
    def age(self) -> tuple[bool, float]:
        """Sorts connections that wait for the client: idle ones first, then the oldest request."""
        progress = self.parser.progress
        return (True, progress.began_at) if progress else (False, self.deadline)

    def has_left(self) -> bool:
        """Whether the client disconnected while its request waited for a thread."""
        if time.monotonic() < self.queued_at + PATIENCE_SECONDS:
            return False
        try:
            return not self.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False


class Worker(ThreadWorker):
    alive: bool

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.connections: set[Connection] = set()
        # handle_request() sends "Connection: close" when this has max_keepalived items or more.
        self.keepalived_conns = self.connections
        # Those whose request runs or waits for a thread, without health checks.
        self.queued: set[Connection] = set()
        self.stop_at, self.next_check = math.inf, 0.0

    def get_thread_pool(self):
        self.health_pool = ThreadPoolExecutor(HEALTH_CHECK_THREADS)
        return ThreadPoolExecutor(settings.WEB_THREADS)

    def handle_exit(self, sig, frame):
        # Nothing else: what takes a lock, such as logging, may deadlock in a signal handler.
        self.stop_at = time.monotonic() + ACCEPT_GRACE_SECONDS

    def run(self):
        ready = self.method_queue
        self.poller.register(ready.fileno(), selectors.EVENT_READ, ready.run_callbacks)
        for listener in self.sockets:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_SIZE)
        self.set_accept_enabled(True)
        while self.alive:
            seconds = self.stop_at - time.monotonic()
            self.serve(min(seconds, 1))
            self.alive = self.alive and seconds > 0
        self.stop_accepting()
        deadline = time.monotonic() + self.cfg.graceful_timeout
        while self.connections and time.monotonic() < deadline:
            self.serve(0.1)
        self.end()

    def serve(self, seconds: float) -> None:
        """Wait up to ``seconds`` for events and handle them; check deadlines now and then."""
        self.wait_for_and_dispatch_events(max(seconds, 0))
        now = time.monotonic()
        if now < self.next_check:
            return
        self.next_check = now + (1 if self.alive else 0.1)
        self.notify()
        if self.alive:
            self.alive = self.is_parent_alive()
            has_room = len(self.connections) < self.worker_connections
            self.set_accept_enabled(has_room or bool(self.waiting()))
        for connection in [each for each in self.connections if each.deadline <= now]:
            self.drop(connection)

    def stop_accepting(self) -> None:
        self.set_accept_enabled(False)
        for listener in self.sockets:
            while self.accept(listener):
                pass
            # Close now, or the kernel accepts connections that are reset when the process exits.
            listener.close()
        latest = time.monotonic() + STOP_KEEPALIVE_LINGER
        for connection in self.connections:
            if connection.is_idle():
                connection.deadline = min(connection.deadline, latest)

    def end(self) -> None:
        for connection in list(self.connections):
            self.drop(connection)
        self.tpool.shutdown(wait=False)
        self.health_pool.shutdown(wait=False)
        self.poller.close()
        self.method_queue.close()

    def accept(self, listener) -> bool:
        """Accept a connection; False if there is none."""
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return False
        except OSError:  # such as EMFILE
            self.make_room()
            return False
        connection = Connection(self, client, address, listener.getsockname())
        if len(self.connections) >= self.worker_connections:
            self.make_room()
        self.connections.add(connection)
        self.wait_for_request(connection)
        return True

    def waiting(self) -> list[Connection]:
        """The connections that wait for their client to send or to read something."""
        return [each for each in self.connections if each.event]

    def make_room(self) -> None:
        """Drop a connection that waits for its client; if there is none, serve() accepts again."""
        if waiting := self.waiting():
            log_full(len(self.connections))
            self.drop(min(waiting, key=lambda connection: connection.age))
        else:
            self.set_accept_enabled(False)

    # The events of the main loop.

    def watch(self, connection: Connection, event: int, callback, seconds: float) -> None:
        """Call ``callback(connection)`` when its socket is ready; drop it after ``seconds``."""
        connection.deadline = time.monotonic() + seconds
        change = self.poller.modify if connection.event else self.poller.register
        change(connection.socket, event, partial(self.call, callback, connection))
        connection.event = event

    def unwatch(self, connection: Connection) -> None:
        connection.deadline = math.inf
        if connection.event:
            self.poller.unregister(connection.socket)
            connection.event = 0

    def call(self, callback, connection: Connection, *_) -> None:
        """Call ``callback(connection)``; an error ends this connection only."""
        if connection not in self.connections:
            return
        try:
            callback(connection)
        except BlockingIOError:
            pass
        except OSError:
            self.drop(connection)
        except Exception:
            self.log.exception("Error in the main loop")
            self.drop(connection)

    def drop(self, connection: Connection) -> None:
        """Close the connection at once. A thread that sends to it gets an OSError."""
        self.connections.discard(connection)
        self.unwatch(connection)
        connection.sock.abort()
        if not connection.is_running:
            connection.parser.close()

    def wait_for_request(self, connection: Connection) -> None:
        seconds = self.cfg.keepalive if self.alive else STOP_KEEPALIVE_LINGER
        if connection.parser.progress:
            seconds = connection.parser.progress.seconds_left
        self.watch(connection, selectors.EVENT_READ, self.on_readable, seconds)

    def on_readable(self, connection: Connection) -> None:
        if data := connection.socket.recv(RECEIVE_SIZE):
            self.feed(connection, data)
        else:
            self.drop(connection)

    def feed(self, connection: Connection, data: bytes) -> None:
        """Pass received bytes to the parser; once the request is complete, queue it."""
        request = connection.parser
        had_no_body = request.body is None
        try:
            if request.feed(data):
                self.enqueue_req(connection)
                return
        except RequestRejected as error:
            self.send_error(connection, error.response)
            return
        if request.body and had_no_body and request.body.is_awaited():
            with suppress(BlockingIOError):  # optional: clients send the body anyway after a while
                connection.socket.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.wait_for_request(connection)

    def send_error(self, connection: Connection, response: ErrorResponse) -> None:
        response.log(connection.parser.path)
        connection.parser.received.clear()
        self.unwatch(connection)
        connection.keep_alive = False
        connection.sock.sendall(response.message)
        if connection.sock.is_empty():
            self.after_response(connection)

    def enqueue_req(self, conn: Connection) -> None:
        """Queue the request for a thread, or reject it if MAX_QUEUED_REQUESTS wait."""
        if conn.parser.path in HEALTH_CHECK_PATHS:
            pool = self.health_pool
        elif len(self.queued) < settings.MAX_QUEUED_REQUESTS + settings.WEB_THREADS:
            pool = self.tpool
            self.queued.add(conn)
        else:
            self.send_error(conn, OVERLOADED)
            return
        self.unwatch(conn)
        conn.is_running, conn.queued_at = True, time.monotonic()
        future = pool.submit(self.handle, conn)
        future.add_done_callback(partial(self.method_queue.defer, self.finish_request, conn))

    def handle(self, conn: Connection) -> bool:
        """Runs in a thread; returns whether to keep the connection alive."""
        return not conn.has_left() and super().handle(conn)

    def finish_request(self, conn: Connection, fs: Future) -> None:
        conn.is_running = False
        self.queued.discard(conn)
        conn.keep_alive = not fs.exception() and fs.result()
        if conn not in self.connections:
            conn.parser.close()
        elif conn.sock.is_empty():
            self.call(self.after_response, conn)

    def wait_to_write(self, connection: Connection) -> None:
        timeout = settings.SEND_TIMEOUT
        self.watch(connection, selectors.EVENT_WRITE, self.on_writable, timeout)

    def on_writable(self, connection: Connection) -> None:
        connection.sock.flush()
        connection.deadline = time.monotonic() + settings.SEND_TIMEOUT
        if connection.sock.is_empty():
            self.unwatch(connection)
            if not connection.is_running:
                self.after_response(connection)

    def after_response(self, connection: Connection) -> None:
        """Wait for the next request, or for the client to close.

        Closing while the client still sends would reset the connection and lose the response.
        """
        connection.parser.reset()
        if connection.keep_alive:
            self.feed(connection, b"")
            return
        connection.socket.shutdown(socket.SHUT_WR)
        self.watch(connection, selectors.EVENT_READ, self.on_late_data, DISCARD_PAUSE_SECONDS)

    def on_late_data(self, connection: Connection) -> None:
        size = len(connection.socket.recv(RECEIVE_SIZE))
        if not size or not connection.discarded.add(size):
            self.drop(connection)
        elif self.alive:
            connection.deadline = time.monotonic() + DISCARD_PAUSE_SECONDS
