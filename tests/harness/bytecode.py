"""Share compiled modules between virtual environments, or each compiles Django for seconds.

Python uses a .pyc file only if it records the size and time of its source. uv links the same
sources into every environment, so these are equal.
"""

import os
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

_made: list[Path] = []


@cache
def store_folder() -> tempfile.TemporaryDirectory:
    """Where compiled modules lie, until this process ends."""
    return tempfile.TemporaryDirectory()


def share(environment: Path) -> None:
    """Link what earlier virtual environments have compiled into a new one.

    The last one's modules are collected now; each other one's were when its successor was made.
    """
    store = Path(store_folder().name)
    if _made:
        link(_made[-1], store, make_folders=True)
    link(store, environment)
    _made.append(environment)


def link(source: Path, target: Path, make_folders: bool = False) -> None:
    for path in source.rglob("*.pyc"):
        other = target / path.relative_to(source)
        # The file exists, or its package does not; the environment is deleted, or on another disk.
        with suppress(OSError):
            other.parent.mkdir(parents=make_folders, exist_ok=True)
            os.link(path, other)
