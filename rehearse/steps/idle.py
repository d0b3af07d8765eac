"""An idle connection, which the router uses again."""

from contextlib import suppress

from rehearse.findings import Finding
from rehearse.idle import IdleConnection
from rehearse.router import IDLE_SECONDS
from rehearse.stage import Stage

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


def open_connection(stage: Stage) -> IdleConnection:
    """On a web process of its own: steps stop the one that they share."""
    return IdleConnection(stage.start_web(), SECONDS)


def begin(stage: Stage) -> None:
    with suppress(RuntimeError, OSError, ValueError):  # the step tries again, and says what failed
        if not stage.web.is_alone:
            stage.idle = open_connection(stage)


def use_again(stage: Stage) -> Finding:
    """Ask on a connection that was idle for SECONDS. A request that crosses the server's end of it
    is lost (H13, H18): a router sends none twice.
    """
    idle = stage.idle or open_connection(stage)
    idle.wait()
    found, process = Finding(), idle.web.process
    how = next((text for name, text in HOW.items() if name in process.command), "")
    advice = f"Keep idle connections for more than {IDLE_SECONDS} s{how and f': {how}'}."
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
