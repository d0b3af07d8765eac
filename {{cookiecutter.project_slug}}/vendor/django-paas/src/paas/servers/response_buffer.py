"""Responses of Gunicorn's WSGI worker, whose unsent part the main loop sends."""

import os
import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from tempfile import TemporaryFile
from threading import Condition, Lock
from typing import IO

# Bytes in the temporary file above which the thread waits for the client, to bound the disk space.
MAX_IN_FILE = 1_000_000_000
# Bytes per sendfile(), so that one response does not hold up the others in the main loop.
MAX_SENT_AT_ONCE = 262_144


class FilePart:
    """``count`` bytes of a file, from ``offset``, that are still to be sent."""

    def __init__(self, file, offset: int, count: int):
        # dup(), as the application closes the file before all of it is sent.
        self.file, self.descriptor = file, os.dup(file.fileno())
        self.offset, self.count = offset, count

    def send(self, sock: socket.socket) -> None:
        size = min(self.count, MAX_SENT_AT_ONCE)
        sent = os.sendfile(sock.fileno(), self.descriptor, self.offset, size)
        if not sent:
            raise OSError("a file became shorter while it was sent")
        self.offset += sent
        self.count -= sent

    def close(self) -> None:
        os.close(self.descriptor)


class ResponseBuffer:
    """A socket for Gunicorn's Response, which waits for the client only above MAX_IN_FILE.

    What the kernel does not take goes to a temporary file. At the first of it, this calls
    ``on_backlog``: the main loop calls ``flush`` when ``sock`` is writable, until ``is_empty``.
    """

    def __init__(self, sock: socket.socket, on_backlog: Callable[[], None]):
        self.sock, self.on_backlog = sock, on_backlog
        self.lock = Condition(Lock())
        self.parts: deque[FilePart] = deque()
        self.file: IO[bytes] | None = None
        self.is_closed = False

    def sendall(self, data: bytes) -> None:
        """Send ``data``, or keep it. Raises OSError if the client has disconnected."""
        with self.lock:
            self.check_open()
            sent = 0
            if not self.parts:
                with suppress(BlockingIOError):
                    sent = self.sock.send(data)
            if sent < len(data):
                self.keep(data[sent:])

    def sendfile(self, file, offset: int, count: int) -> None:
        """Send ``count`` bytes of a file, or keep a descriptor of it. Raises OSError."""
        with self.lock:
            self.check_open()
            self.add(FilePart(file, offset, count))

    def flush(self) -> None:
        """Send some of what is kept. Raises OSError, also BlockingIOError."""
        with self.lock:
            if self.parts:
                self.send_first()

    def is_empty(self) -> bool:
        return not self.parts

    def abort(self) -> None:
        """Close the socket; a thread that sends to it gets an OSError."""
        with self.lock:
            self.is_closed = True
            self.forget()
            self.sock.close()

    def check_open(self) -> None:
        if self.is_closed:
            raise BrokenPipeError("the client was disconnected")

    def keep(self, data: bytes) -> None:
        if not self.file:
            self.file = TemporaryFile()  # noqa: SIM115 (later calls need it)
        offset = self.file.tell()
        self.file.write(data)
        self.file.flush()
        if self.parts and self.parts[-1].file is self.file:
            self.parts[-1].count += len(data)
        else:
            self.add(FilePart(self.file, offset, len(data)))
        while self.file and self.file.tell() > MAX_IN_FILE:
            self.lock.wait()

    def add(self, part: FilePart) -> None:
        self.parts.append(part)
        if len(self.parts) == 1:
            with suppress(OSError):  # the main loop meets it again
                self.send_first()
            if self.parts:
                self.on_backlog()

    def send_first(self) -> None:
        self.parts[0].send(self.sock)
        if not self.parts[0].count:
            self.parts.popleft().close()
        if not self.parts:
            self.forget()

    def forget(self) -> None:
        while self.parts:
            self.parts.popleft().close()
        if self.file:
            self.file.close()
        self.file = None
        self.lock.notify_all()

    # Other socket methods that Gunicorn calls. The main loop owns the socket.

    def gettimeout(self) -> float:
        return 0.0

    def setblocking(self, flag: bool) -> None:
        pass

    def shutdown(self, how: int) -> None:
        raise OSError("the main loop shuts it down")  # close_graceful() stops here

    def close(self) -> None:
        pass
