"""PgBouncer, from Debian's package."""

import os
import shutil
import signal
import socket
from contextlib import suppress
from pathlib import Path

from rehearse.services import Certificates
from rehearse.services.postgresql import OWNER
from rehearse.services.server import Server
from tests.harness.services import Postgres


class PgBouncer(Server):
    """PgBouncer in transaction mode before ``postgres``, with TLS to both, as on the platforms.

    In: the folder for its log, the Certificates, the PostgreSQL server, and how many server
    connections a database gets. The program is Debian's package ``pgbouncer``.
    """

    _stop_signal = signal.SIGQUIT

    def __init__(self, folder: Path, certificates: Certificates, postgres: Postgres, size: int):
        super().__init__(folder)
        self._certificates, self._postgres, self._size = certificates, postgres, size

    @staticmethod
    def program() -> str | None:
        return shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")

    def _prepare(self) -> list:
        self._copy_certificate(self._certificates)
        (self._home / "users").write_text(f'"{OWNER}" "{self._postgres.password}"\n')
        (self._home / "pgbouncer.ini").write_text(f"""
[databases]
* = host=127.0.0.1 port={self._postgres.port} pool_size={self._size}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
pool_mode = transaction
max_client_conn = 1000
auth_type = scram-sha-256
auth_file = users
client_tls_sslmode = require
client_tls_cert_file = certificate
client_tls_key_file = key
server_tls_sslmode = require
""")
        self._leave_root()
        return [self.program(), "pgbouncer.ini"]

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def url(self, database: str) -> str:
        """As Postgres.url(), through the pool."""
        return self._postgres.url(database).replace(f":{self._postgres.port}/", f":{self.port}/")
