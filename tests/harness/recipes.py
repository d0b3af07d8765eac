"""The recipes of django-paas, followed word for word in a project."""

import re

from tests.harness.checkouts import Checkout
from tests.harness.combinations import PACKAGE, TEMPLATE

DOCUMENTS = PACKAGE / "src/paas/docs"
# What docs/packages.md requires, pinned.
PACKAGES_LOCK = TEMPLATE / "tests/rehearsals/packages.txt"
TICKETS = "WebSockets of clients without cookies"
# The comment in the first line of a block of code: the file that it belongs to.
FILE = re.compile(r"(?:#|//|<!--|\{#) (\S*\.\w+|Procfile)(?:, below (.+?))?(?: -->| #\})?\n")
BLOCK = re.compile(r"(?ms)^```(\w+)\n(.+?)^```$")
# A line for a list, or for the imports, of a file.
LINE = re.compile(r"^In `(\S+)` add(?: `(from [^`]+|import [^`]+)` to the imports, and)? `([^`]+)`")


def text_of(name: str) -> str:
    return (DOCUMENTS / name).read_text()


def read_recipes(name: str) -> dict[str, str]:
    """The sections of a document, by their headings."""
    sections = text_of(name).split("\n## ")[1:]
    return {title: text for title, _, text in (section.partition("\n") for section in sections)}


def required_packages() -> list[str]:
    """What docs/packages.md says to add, and a package with the files of Bootstrap."""
    found = re.findall(r"\bAdd `([\w\[\]-]+)`", text_of("packages.md"))
    return [*found, "bootstrap-wrapper"] if found else []


def add_code(project: Checkout, code: str) -> None:
    """Add a block to the file that it names: a new one, below a line, or at its end. In pyproject.toml
    it is a dependency, unless it names a line.
    """
    name, line = FILE.match(code).groups()
    if name == "pyproject.toml" and not line:
        project.require(code.partition("\n")[2])
        return
    if not (project.folder / name).exists():
        project.write(name, code)
        return
    if line:
        project.replace(name, f"{line}\n", f"{line}\n{code.partition('\n')[2]}")
        return
    project.write(name, f"{project.read(name)}\n{code}")


def add_line(project: Checkout, instruction: str) -> None:
    """Follow "In `file` add `import` to the imports, and `line` to the list"."""
    name, imported, line = LINE.match(instruction).groups()
    above, first, rest = re.split(
        r"^( +path\()", project.read(name), maxsplit=1, flags=re.MULTILINE
    )
    if imported:
        *_, last = re.finditer(r"^(?:from|import) .+\n", above, re.MULTILINE)
        above = f"{above[: last.end()]}{imported}\n{above[last.end() :]}"
    indent = first.removesuffix("path(")
    project.write(name, f"{above}{indent}{line}\n{first}{rest}")


def add_lines(project: Checkout, section: str) -> None:
    """Follow the section's instructions of one line."""
    for line in section.splitlines():
        if LINE.match(line):
            add_line(project, line)


def follow(project: Checkout, section: str) -> None:
    """Follow a section: its instructions of one line, and its blocks of code that name a file."""
    add_lines(project, section)
    for _, code in BLOCK.findall(section):
        if FILE.match(code):
            add_code(project, code)
