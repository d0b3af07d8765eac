"""Real PostgreSQL and Valkey servers, from wheels: no Docker and no root needed."""

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rehearse.services.ports import free_port
from rehearse.services.postgresql import Postgres
from rehearse.services.tls import Certificates, TLSProxy
from rehearse.services.valkey import Valkey

__all__ = ["Certificates", "Postgres", "Services", "TLSProxy", "Valkey", "free_port"]


@dataclass
class Services:
    """The servers behind a platform's add-ons.

    Two TLSProxy servers are before Valkey: at ``self_signed_port`` with a self-signed certificate,
    at ``issued_port`` with one of the CA whose certificate is the file ``authority``.
    """

    postgres_class: ClassVar[type[Postgres]] = Postgres
    valkey_class: ClassVar[type[Valkey]] = Valkey
    postgres: Postgres
    valkey: Valkey
    self_signed_port: int
    issued_port: int
    authority: Path

    @classmethod
    @contextmanager
    def started(cls, folder: Path, certificates: Certificates, connections: int = 100):
        """All of them, until the block ends; PostgreSQL takes so many ``connections``."""
        own = (certificates.self_signed_certificate, certificates.self_signed_key)
        issued = (certificates.certificate, certificates.key)
        with (
            cls.postgres_class(folder, certificates, connections) as postgres,
            cls.valkey_class(folder) as valkey,
            TLSProxy(valkey.port, *own) as self_signed,
            TLSProxy(valkey.port, *issued) as verified,
        ):
            yield cls(postgres, valkey, self_signed.port, verified.port, certificates.ca)
