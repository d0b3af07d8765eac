"""Ruff, as the tests ask it."""

import subprocess
from pathlib import Path

from ruff import find_ruff_bin

COMMANDS = ["check", "format --check --diff"]


def complaints(command: str, folder: Path) -> str:
    """What ``ruff`` has to say against the files in ``folder``; nothing if it is content."""
    words = [find_ruff_bin(), *command.split(), "--no-cache", "."]
    done = subprocess.run(words, cwd=folder, check=False, capture_output=True, text=True)
    return done.stdout + done.stderr if done.returncode else ""
