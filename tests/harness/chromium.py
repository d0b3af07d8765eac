"""Chromium, which resolves a site's host name to a router on this machine."""

import base64
import hashlib
import os
import shutil
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Browser, Playwright

from tests.harness.router import Router

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Without its sandbox, which root cannot use, and without traffic of its own.
ARGUMENTS = """
    --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync
"""


def launch(playwright: Playwright, router: Router, certificate: Path) -> Browser:
    """Start Chromium, which trusts the certificate. Without a browser the test is skipped."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        if os.environ.get("CI"):
            pytest.fail(f"CI needs a browser: one of {', '.join(PROGRAMS)}.")
        pytest.skip(f"There is no browser here: install one of {', '.join(PROGRAMS)}.")
    arguments = [
        *ARGUMENTS.split(),
        f"--host-resolver-rules=MAP {router.platform.host}:443 127.0.0.1:{router.port}",
        f"--ignore-certificate-errors-spki-list={key_hash(certificate)}",
    ]
    return playwright.chromium.launch(executable_path=program, args=arguments)


def key_hash(certificate: Path) -> str:
    """The hash of the certificate's public key, by which Chromium names it."""
    key = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    digest = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return base64.b64encode(digest.digest()).decode()
