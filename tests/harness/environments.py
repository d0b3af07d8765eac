"""Virtual environments that tests share: files of requirements with the same lines have one, if the
packages that these name by a path are the same.
"""

import hashlib
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from rehearse import buildpack
from tests.harness.bytecode import share

make = buildpack.install_requirements


@cache
def shared_folder() -> tempfile.TemporaryDirectory:
    """Where the environments lie, until this process ends."""
    return tempfile.TemporaryDirectory()


def install_shared(
    requirements: str, folder: Path, environment: Path, python: str, own: Mapping[str, str]
) -> str | None:
    lines = locked_lines(folder / requirements)
    digest = hashlib.sha256("\n".join([python, *own.values(), *lines]).encode())
    for path in (path for line in lines for path in local_files(folder, line)):
        digest.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
    shared = Path(shared_folder().name, digest.hexdigest()[:16])
    if not shared.exists():
        if (output := make(requirements, folder, shared, python, own)) is not None:
            shared.rename(environment)
            return output
        share(shared)
    environment.symlink_to(shared)
    return None


buildpack.install_requirements = install_shared


def locked_lines(path: Path) -> list[str]:
    """The lines of a file of requirements, and of a file that it includes, sorted, without comments."""
    lines = path.read_text(errors="replace").splitlines() if path.is_file() else []
    lines = [line for line in lines if line[:1] not in ("", "#")]
    for included in [line for line in lines if line.startswith("-r ")]:
        lines += locked_lines(path.parent / included.removeprefix("-r "))
    return sorted(lines)


def local_files(folder: Path, line: str) -> list[Path]:
    """The wheel that a line names by its path, or the source in the folder, as in ``./lib[extra]``."""
    path = folder / line.removeprefix("-e ").partition("[")[0]
    if "/" not in line or not path.is_dir():
        return [path] if path.is_file() else []
    found = (each for each in sorted(path.rglob("*")) if "__pycache__" not in each.parts)
    return [each for each in found if each.is_file()]
