"""Compiled modules, which environments share: each would compile Django anew, for seconds.

Python takes one that names the size and the time of its source, or compiles anew. uv links the same
sources into every environment.
"""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

_store = tempfile.TemporaryDirectory()
_made: list[Path] = []


def share(environment: Path) -> None:
    """Give a new virtual environment what the last one has compiled by now, and those before it had
    when they were the last.
    """
    store = Path(_store.name)
    if _made:
        link(_made[-1], store, make_folders=True)
    link(store, environment)
    _made.append(environment)


def link(source: Path, target: Path, make_folders: bool = False) -> None:
    for path in source.rglob("*.pyc"):
        other = target / path.relative_to(source)
        # It is there, or its package is not; or an environment was deleted, or is on another disk.
        with suppress(OSError):
            other.parent.mkdir(parents=make_folders, exist_ok=True)
            os.link(path, other)
