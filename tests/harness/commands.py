"""Commands of a project, as its developer runs them."""

import shlex
from pathlib import Path

from rehearse.processes import bare_environment, run


def developer_environment(programs: Path, home: Path) -> dict[str, str]:
    """bare_environment() with a cache for mypy, which then analyzes the packages' types only once."""
    return bare_environment(programs, home) | {"MYPY_CACHE_DIR": str(programs.parent / "mypy")}


def run_script(script: str, folder: Path, environment: dict[str, str]) -> str:
    """Run Python code in the project, as ``manage.py shell`` does, and return what it printed."""
    return run(f"python manage.py shell -v 0 -c {shlex.quote(script)}", folder, environment)
