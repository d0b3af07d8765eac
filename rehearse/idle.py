"""A connection that a router keeps while no request comes."""

import select
import threading
import time
from contextlib import suppress

from rehearse.raw import Raw, Response
from rehearse.web import Web


class IdleConnection:
    """A connection that is used when this is made, and again once it was idle for ``seconds``.

    ``is_kept`` says whether the server lets it be used again. After ``wait()`` there is ``status``,
    of the second response, or else ``closed_after``, the seconds after which the server closed it;
    neither if there was no response.
    """

    def __init__(self, web: Web, seconds: float):
        self.web, self.seconds, self.client = web, seconds, Raw(web)
        self.status: int | None = None
        self.closed_after: float | None = None
        self.is_kept = "close" not in self.ask().headers.get("connection", "").lower()
        # A daemon: after Ctrl-C nobody waits for it.
        self.thread = threading.Thread(target=self.ask_again, daemon=True)
        self.thread.start()

    def ask(self) -> Response:
        self.client.send(self.web.path)
        return self.client.read()

    def ask_again(self) -> None:
        began = time.monotonic()
        with suppress(OSError):
            if not select.select([self.client.socket], [], [], self.seconds)[0]:
                self.status = self.ask().status
            elif self.is_kept:
                self.closed_after = time.monotonic() - began

    def wait(self) -> None:
        self.thread.join()
