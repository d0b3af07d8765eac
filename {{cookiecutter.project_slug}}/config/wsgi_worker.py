"""Gunicorn's worker of threads, which by itself leaves late visitors waiting when it stops."""

from threading import Timer

from gunicorn.workers.gthread import ThreadWorker

# For so long a worker takes new requests after SIGTERM: the router may not know yet.
LINGER_SECONDS = 1


class Worker(ThreadWorker):
    def handle_exit(self, sig, frame):
        Timer(LINGER_SECONDS, super().handle_exit, [sig, frame]).start()

    def set_accept_enabled(self, enabled):
        super().set_accept_enabled(enabled)
        if not self.alive:
            for listener in self.sockets:
                self.accept_all(listener)
                # Or who comes now is let in, and dropped when the last request has ended.
                listener.close()

    def accept_all(self, listener) -> None:
        """Accept whoever waits to be let in."""
        before = None
        while before != self.nr_conns:
            before = self.nr_conns
            self.accept(listener)
