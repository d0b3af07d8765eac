"""Ports on 127.0.0.1 for the servers that run here."""

import os
import secrets
import socket
from contextlib import suppress

# Below the systems' range for outgoing connections: while a server is down, a client that keeps
# trying could otherwise be given the server's own port as its local end and be connected to
# itself. Each pytest-xdist worker has ports of its own, as a server takes seconds until it binds.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_OWN_PORTS = range(20000 + _WORKER, 32000, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
_PORTS = iter(secrets.SystemRandom().sample(_OWN_PORTS, len(_OWN_PORTS)))


def free_port() -> int:
    """Return a TCP port that is free on 127.0.0.1, never the same one twice in a process."""
    for port in _PORTS:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no free port left")
