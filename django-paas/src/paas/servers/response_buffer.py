"""Responses of Gunicorn's WSGI worker, whose unsent part the main loop sends."""

import os
import socket
from collections import deque
from collections.abc import Callable
from tempfile import TemporaryFile
from threading import Condition, Lock
from typing import IO

# Unsent bytes of a response in memory; more go to a temporary file.
MAX_IN_MEMORY = 262_144
# Bytes in that file above which the thread waits for the client, to bound the disk space.
MAX_IN_FILE = 1_000_000_000
# Bytes per sendfile(), so that one response does not hold up the others in the main loop.
MAX_SENT_AT_ONCE = 262_144


class MemoryPart(bytearray):
    def send(self, sock: socket.socket) -> None:
        del self[: sock.send(self)]

    def close(self) -> None:
        pass


class FilePart:
    """``count`` bytes of a file, from ``offset``, that are still to be sent."""

    def __init__(self, file, offset: int, count: int):
        # dup(), as the application closes the file before all of it is sent.
        self.descriptor, self.offset, self.count = os.dup(file.fileno()), offset, count

    def send(self, sock: socket.socket) -> None:
        size = min(self.count, MAX_SENT_AT_ONCE)
        sent = os.sendfile(sock.fileno(), self.descriptor, self.offset, size)
        if not sent:
            raise OSError("a file became shorter while it was sent")
        self.offset += sent
        self.count -= sent

    def __len__(self) -> int:
        return self.count

    def close(self) -> None:
        os.close(self.descriptor)


class ResponseBuffer:
    """A socket for Gunicorn's Response, which waits for the client only above MAX_IN_FILE.

    It keeps the bytes that the kernel does not take, and calls ``on_backlog`` at the first. From
    then on the main loop calls ``flush`` when ``sock`` is writable, until ``is_empty``.
    """

    def __init__(self, sock: socket.socket, on_backlog: Callable[[], None]):
        self.sock, self.on_backlog = sock, on_backlog
        self.lock = Condition(Lock())
        self.parts: deque[MemoryPart | FilePart] = deque()
        self.file: IO[bytes] | None = None
        self.file_part: FilePart | None = None
        self.closed = False

    def sendall(self, data: bytes) -> None:
        """Send ``data``, or keep it. Raises OSError if the client has disconnected."""
        with self.lock:
            self.check_open()
            sent = 0 if self.parts else self.try_send(data)
            if sent < len(data):
                self.keep(data[sent:])

    def sendfile(self, file, offset: int, count: int) -> None:
        """Send ``count`` bytes of a file, or keep a descriptor of it. Raises OSError."""
        with self.lock:
            self.check_open()
            part = FilePart(file, offset, count)
            self.add(part)

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
            self.fail()
            self.sock.close()

    def check_open(self) -> None:
        if self.closed:
            raise BrokenPipeError("the client was disconnected")

    def try_send(self, data: bytes) -> int:
        try:
            return self.sock.send(data)
        except BlockingIOError:
            return 0

    def keep(self, data: bytes) -> None:
        in_memory = sum(len(part) for part in self.parts if isinstance(part, MemoryPart))
        if self.file or in_memory + len(data) > MAX_IN_MEMORY:
            self.keep_in_file(data)
        elif self.parts and isinstance(self.parts[-1], MemoryPart):
            self.parts[-1] += data
        else:
            self.add(MemoryPart(data))

    def keep_in_file(self, data: bytes) -> None:
        if not self.file:
            self.file = TemporaryFile()  # noqa: SIM115 (later calls need it)
        offset = self.file.tell()
        self.file.write(data)
        self.file.flush()
        if self.file_part and self.parts[-1] is self.file_part:
            self.file_part.count += len(data)
        else:
            self.file_part = FilePart(self.file, offset, len(data))
            self.add(self.file_part)
        while self.file and self.file.tell() > MAX_IN_FILE:
            self.lock.wait()

    def add(self, part: MemoryPart | FilePart) -> None:
        self.parts.append(part)
        if len(self.parts) > 1:
            return
        try:
            self.send_first()
        except BlockingIOError:
            pass
        except OSError:
            self.fail()
            raise
        if self.parts:
            self.on_backlog()

    def send_first(self) -> None:
        self.parts[0].send(self.sock)
        if not self.parts[0]:
            self.parts.popleft().close()
        if not self.parts:
            self.forget()

    def fail(self) -> None:
        self.closed = True
        self.forget()

    def forget(self) -> None:
        while self.parts:
            self.parts.popleft().close()
        if self.file:
            self.file.close()
        self.file = self.file_part = None
        self.lock.notify_all()

    # Other socket methods that Gunicorn calls: no-ops, as the main loop owns the socket.

    def gettimeout(self) -> float:
        return 0.0

    def settimeout(self, seconds: float) -> None:
        pass

    def setblocking(self, flag: bool) -> None:
        pass

    def shutdown(self, how: int) -> None:
        pass

    def recv(self, size: int) -> bytes:
        return b""

    def close(self) -> None:
        pass
