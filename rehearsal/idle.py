"""A connection that a router keeps while no request comes."""

import select
import threading
import time

from rehearsal.raw import Raw, Response
from rehearsal.web import Web


class IdleConnection:
    """A connection that is used once, when this is made, and then watched for ``seconds``.

    ``is_kept`` says whether the server lets it be used again, ``closed_after`` how many seconds
    later it has closed it, if it has.
    """

    def __init__(self, web: Web, seconds: float):
        self.web, self.seconds, self.client = web, seconds, Raw(web)
        self.is_kept = "close" not in self.ask().headers.get("connection", "").lower()
        self.closed_after: float | None = None
        # A daemon: after Ctrl-C nobody waits for it.
        self.watching = threading.Thread(target=self.watch, daemon=True)
        self.watching.start()

    def ask(self) -> Response:
        """The response to one more request; raises OSError if there is none."""
        self.client.send(self.web.path)
        return self.client.read()

    def watch(self) -> None:
        began = time.monotonic()
        if self.is_kept and select.select([self.client.socket], [], [], self.seconds)[0]:
            self.closed_after = time.monotonic() - began

    def wait(self) -> None:
        """Return once the time is up or the connection is closed."""
        self.watching.join()
