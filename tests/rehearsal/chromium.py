"""Chromium, which takes host names to ports of this machine."""

import os
import shutil

import pytest
from playwright.sync_api import Browser, Playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Chromium's own traffic, of which there must be none, and its sandbox, which root has not.
ARGUMENTS = """
    --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync
"""


def launch(playwright: Playwright, ports: dict[str, int]) -> Browser:
    """Start it; ``ports`` are where the hosts' HTTPS is. Skips the test if there is no browser."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        if os.environ.get("CI"):
            pytest.fail(f"CI needs a browser: one of {', '.join(PROGRAMS)}.")
        pytest.skip(f"There is no browser here: install one of {', '.join(PROGRAMS)}.")
    rules = ", ".join(f"MAP {host}:443 127.0.0.1:{port}" for host, port in ports.items())
    arguments = [*ARGUMENTS.split(), f"--host-resolver-rules={rules}"]
    return playwright.chromium.launch(executable_path=program, args=arguments)
