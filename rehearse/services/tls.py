"""Certificates, and TLS before a server that has none."""

import asyncio
import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path

import trustme


class Certificates:
    """Certificates and keys for localhost and 127.0.0.1, as PEM files in the given folder.

    Out, as paths: `ca`, the CA's certificate; `certificate` and `key`, issued by it; and, as on
    Heroku, `self_signed_certificate` and `self_signed_key`, issued by a CA that no client trusts.
    """

    def __init__(self, folder: Path):
        folder, ca = Path(folder), trustme.CA()
        self.ca = folder / "ca.pem"
        ca.cert_pem.write_to_path(self.ca)
        self.certificate, self.key = self._issue(ca, folder / "issued")
        nobody = trustme.CA()
        self.self_signed_certificate, self.self_signed_key = self._issue(nobody, folder / "own")

    def _issue(self, ca: trustme.CA, path: Path) -> list[Path]:
        issued = ca.issue_cert("localhost", "127.0.0.1")
        paths = [path.with_suffix(".crt"), path.with_suffix(".key")]
        issued.cert_chain_pems[0].write_to_path(paths[0])
        issued.private_key_pem.write_to_path(paths[1])
        return paths


class TLSProxy:
    """TLS on 127.0.0.1 before a server on 127.0.0.1 that has none.

    In: the server's port, which may change, and the paths of a certificate and its key; without
    them there is no TLS. Out: `port`. A connection that the server refuses or ends is closed, and
    the proxy goes on.
    """

    def __init__(self, target_port: int, certificate: Path | None = None, key: Path | None = None):
        self.target_port = target_port
        self._context = None
        if certificate:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate, key)

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self._listener.getsockname()[1]
        self._loop, self._stopping = asyncio.new_event_loop(), asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="TLSProxy", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._serve(), loop_factory=lambda: self._loop)

    async def _serve(self) -> None:
        options: dict = {"ssl": self._context, "backlog": 1024}
        if self._context:
            options["ssl_shutdown_timeout"] = 1
        server = await asyncio.start_server(self._handle, sock=self._listener, **options)
        await self._stopping.wait()
        server.close()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers = [writer]
        try:
            with suppress(OSError):
                target = await asyncio.open_connection("127.0.0.1", self.target_port)
                writers.append(target[1])
                await asyncio.gather(self._copy(reader, target[1]), self._copy(target[0], writer))
            with suppress(OSError):
                writer.close()
                await writer.wait_closed()
        finally:  # also when the proxy ends, with no time for TLS's close_notify
            for each in writers:
                each.transport.abort()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(self._passed_on(data))
                await writer.drain()
        writer.close()  # and so ends the copying the other way

    def _passed_on(self, data: bytes) -> bytes:
        return data
