"""A mail server, over TLS and with a password, as the providers have them."""

import asyncio
import re
import ssl
import threading
from email import message_from_bytes
from email.message import Message

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from rehearse.services import Certificates, free_port
from tests.harness.waiting import wait_until

NAME, PASSWORD = "site", "a-password"


class MailServer(Controller):
    """Out: ``url``, for EMAIL_URL, and ``messages``, the mails that it took, in order.

    It accepts a mail at once; while ``is_held`` is true, mails wait. ``is_receiving`` is set from
    when a mail has arrived until it is accepted or its sender disconnects.
    """

    def __init__(self, certificates: Certificates):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.certificate, certificates.key)
        super().__init__(
            self,
            hostname="127.0.0.1",
            port=free_port(),
            ssl_context=context,
            # It is encrypted already, which the library does not see.
            auth_require_tls=False,
            auth_required=True,
            authenticator=self.authenticate,
        )
        self.url = f"smtps://{NAME}:{PASSWORD}@localhost:{self.port}"
        self.is_receiving = threading.Event()
        self.reset()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exception):
        self.stop()

    def reset(self) -> None:
        """Forget all mails, and accept the next ones at once."""
        self.messages: list[Message] = []
        self.is_held = False

    def authenticate(self, server, session, envelope, mechanism, login) -> AuthResult:
        return AuthResult(
            success=(login.login, login.password) == (NAME.encode(), PASSWORD.encode())
        )

    async def handle_DATA(self, server, session, envelope) -> str:
        self.is_receiving.set()
        try:
            while self.is_held:
                # Without a line for some seconds the sender would give up.
                await server.push("250-wait")
                await asyncio.sleep(0.1)
        finally:
            self.is_receiving.clear()
        self.messages.append(message_from_bytes(envelope.content))
        return "250 OK"

    def sent_to(self, address: str) -> list[Message]:
        return [message for message in self.messages if message["To"] == address]

    def link(self, address: str, path: str) -> str:
        """Wait for a mail to the address with a link whose path begins with ``path``; returns the
        link's whole path.
        """

        def find() -> re.Match | None:
            bodies = (
                bytes(mail.get_payload(decode=True)).decode() for mail in self.sent_to(address)
            )
            pattern = re.compile(rf"https://[^/\s]+({path}\S+)")
            return next(filter(None, map(pattern.search, bodies)), None)

        return wait_until(find, f"a mail with a link to {path}")[1]
