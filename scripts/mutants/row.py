"""A protection, the edit that removes it, and the tests that must fail then."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Mutant:
    """``protection`` is the first cell of its row in docs/protections.md.

    ``old`` stands once in ``file``, a path in this repository; ``new`` takes its place. ``tests`` are
    pytest's ids, of the project or of the template, as ``level`` says. They run in the combination
    ``answers`` (a name of tests/combinations.py); a test of the template may be of none: "".
    """

    protection: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    answers: str = "heroku-asgi-daphne"
    level: Literal["project", "template"] = "project"

    def __str__(self) -> str:
        first_lines = (text.strip().partition("\n")[0] for text in (self.old, self.new))
        return "{}: {} -> {}".format(self.file.rpartition("}}/")[2], *first_lines)
