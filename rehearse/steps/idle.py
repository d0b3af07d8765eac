"""An idle connection, which the router uses again."""

import select
import threading
import time
from contextlib import suppress

from rehearse.findings import Finding
from rehearse.raw import Raw, Response
from rehearse.router import IDLE_SECONDS
from rehearse.stage import Stage
from rehearse.web import Web

# Longer than any server's own default, shorter than IDLE_SECONDS.
SECONDS = 75
HOW = {
    "gunicorn": "--keep-alive 95",
    "hypercorn": "--keep-alive 95",
    "uvicorn": "--timeout-keep-alive 95",
    "waitress": "--channel-timeout=95",
    "daphne": "Daphne has no flag for that, so take another server, such as Uvicorn with"
    " --timeout-keep-alive 95",
}


class IdleConnection:
    """A connection that is used when this is made, and again once it was idle for ``seconds``.

    ``is_kept`` says whether the server lets it be used again. Once ``thread`` has ended there is ``status``,
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


def begin(stage: Stage) -> None:
    with suppress(RuntimeError, OSError, ValueError):  # the step tries again, and says what failed
        if not stage.web.is_alone:
            # A web process of its own: steps stop the one that they share.
            stage.idle = IdleConnection(stage.start_web(), SECONDS)


def use_again(stage: Stage) -> Finding:
    """Ask on a connection that was idle for SECONDS. A request that crosses the server's end of it
    is lost (H13, H18): a router sends none twice.
    """
    idle = stage.idle or IdleConnection(stage.start_web(), SECONDS)
    idle.thread.join()
    found, process = Finding(), idle.web.process
    how = next((f": {text}" for name, text in HOW.items() if name in process.command), "")
    advice = f"Keep idle connections for more than {IDLE_SECONDS} s{how}."
    if not idle.is_kept:
        found.text = "none: the server closes each connection after its response"
    elif idle.status:
        found.text = f"answered after {idle.seconds:.0f} s ({idle.status})"
    elif process.ends_within(1):
        found.fail("the web process ended meanwhile", "", process.output())
    elif idle.closed_after is None:
        found.fail(f"no answer after {idle.seconds:.0f} s", advice, process.output())
    else:
        found.figures = {"closed_after_s": round(idle.closed_after, 1)}
        found.fail(
            f"closed after {idle.closed_after:.0f} s: the router keeps it for {IDLE_SECONDS} s, and"
            " requests on it are lost now and then (H13, H18)",
            advice,
        )
    process.kill()
    return found
