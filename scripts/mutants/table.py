"""The mutants, and where their files and tests are. A mutant is an edit that removes a protection."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

PROJECT, PACKAGE_TESTS = "{{cookiecutter.project_slug}}", "tests/package"
ALL_OPTIONS = "heroku-asgi-uvicorn-use_celery-use_s3_media"
ROWS = tomllib.loads(Path(__file__).with_name("table.toml").read_text())


@dataclass(frozen=True)
class Mutant:
    """A row of table.toml, which explains the fields. Without ``old`` nothing is edited."""

    protection: str
    file: str
    old: str
    test: str
    new: str = ""
    answers: str = ALL_OPTIONS

    def path(self, repository: Path) -> Path:
        """The file, in the project that the repository is a template of, or in itself."""
        in_project = repository / PROJECT / self.file
        return in_project if in_project.exists() else repository / self.file

    def find_test(self, folder: Path) -> str | None:
        """The test's pytest id in ``folder``, or None if it is not there."""
        name = self.test.partition("[")[0]
        patterns = ("tests/**/test_*.py", "*/tests.py", "test_*.py")
        for path in (path for pattern in patterns for path in folder.glob(pattern)):
            if f"def {name}(" in path.read_text():
                return f"{path.relative_to(folder)}::{self.test}"
        return None


MUTANTS = [Mutant(name, **row) for name, row in ROWS.items() if "without_mutant" not in row]
