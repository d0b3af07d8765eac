"""Compiled modules, which environments share: each would compile Django anew, for seconds.

Python takes one that names the size and the time of its source, or compiles anew. uv links the same
sources into every environment.
"""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

_store = tempfile.TemporaryDirectory()
_in_use: list[Path] = []


def share(environment: Path) -> None:
    """Give a new virtual environment what those before it have compiled by now."""
    for other in _in_use:
        link(other, Path(_store.name))
    link(Path(_store.name), environment)
    _in_use[:] = [environment]


def link(source: Path, target: Path) -> None:
    for path in source.rglob("*.pyc"):
        other = target / path.relative_to(source)
        # Another test may delete an environment, or have one on another disk.
        with suppress(OSError):
            other.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, other)
