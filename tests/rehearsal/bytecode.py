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
        link(other, Path(_store.name), make_folders=True)
    link(Path(_store.name), environment)
    _in_use[:] = [environment]


def link(source: Path, target: Path, make_folders: bool = False) -> None:
    for path in source.rglob("*.pyc"):
        other = target / path.relative_to(source)
        # It is there, or its package is not; or an environment was deleted, or is on another disk.
        with suppress(OSError):
            other.parent.mkdir(parents=make_folders, exist_ok=True)
            os.link(path, other)
