"""Write the locks: every version pinned, none of it by hand.

    python scripts/lock.py            # keep the pinned versions where they still fit
    python scripts/lock.py --upgrade  # take the newest

Out come this repository's ``requirements.txt``, and the generated project's ``requirements.txt``
and ``requirements-dev.txt``. Those two serve every combination of answers, so that baking needs no
network: all combinations are resolved together, to one version of each package, then each by
itself, and a package that only some of them need gets the condition that tells them apart.
"""

import argparse
import itertools
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from uv import find_uv_bin

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from combinations import CHOICES, COMBINATIONS, DERIVED, all_answers, bake, name_of

PROJECT = ROOT / "{{cookiecutter.project_slug}}"
# The lowest that a project may choose; the locks hold for every later one too.
PYTHON_VERSION = "3.12"
HEADER = """\
# All that pyproject.toml asks for, and all that it needs in turn, pinned.
# {author}
"""
# What uv says of a withdrawn release, which it keeps where a lock or an "==" names it.
YANKED = re.compile(r'^warning: `(.+)==(.+)` is yanked(?: \(reason: "(.*)"\))?$', re.MULTILINE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions")
    options = ["--upgrade"] if parser.parse_args().upgrade else []
    with tempfile.TemporaryDirectory() as folder:
        locks = lock_template(Path(folder), options) | lock_project(Path(folder), options)
    for path, text in locks.items():
        path.write_text(text, newline="\n")


def lock_template(folder: Path, options: list[str]) -> dict[Path, str]:
    """Return the text of this repository's lock, by path; raises SystemExit as resolve does."""
    lock = ROOT / "requirements.txt"
    groups = ["--group", f"{ROOT / 'pyproject.toml'}:dev"]
    lines = resolve([], folder / "template.txt", *groups, *options, preferring=[lock])
    return {lock: text_of("Written by scripts/lock.py.", lines)}


def lock_project(folder: Path, options: list[str]) -> dict[Path, str]:
    """Return the texts of the project's locks, by path; raises SystemExit as resolve does."""
    everything = folder / "everything.txt"
    locks = [PROJECT / "requirements.txt", PROJECT / "requirements-dev.txt"]
    baked = {
        name: bake(answers, folder / name) / "pyproject.toml"
        for name, answers in zip(map(name_of, COMBINATIONS), COMBINATIONS, strict=True)
    }
    groups = [option for path in baked.values() for option in ("--group", f"{path}:dev")]
    resolve(list(baked.values()), everything, *groups, *options, preferring=locks)

    # The cache holds all of it by now, and asking the index again takes minutes.
    pinned = ["--offline", "--constraint", str(everything)]
    production, development = [], []
    for name, path in baked.items():
        production.append(resolve([path], folder / f"{name}.txt", *pinned))
        dev = resolve([path], folder / f"{name}-dev.txt", "--group", f"{path}:dev", *pinned)
        development.append([line for line in dev if line not in production[-1]])
    author = "`make lock` writes it anew."
    tools = ["-r requirements.txt", *conditional(development)]
    return {
        locks[0]: text_of(author, conditional(production)),
        locks[1]: text_of("The same for the tools of development.", tools),
    }


def resolve(
    sources: list[Path], output: Path, *options: str, preferring: list[Path] | None = None
) -> list[str]:
    """Resolve with ``uv pip compile`` for every platform and Python, and return the pinned lines.

    Versions in the locks of ``preferring`` are kept where they fit. Raises SystemExit if nothing
    fits, or if what fits was yanked.
    """
    locked = [path.read_text() for path in preferring or [] if path.exists()]
    output.write_text("".join(locked).replace("-r requirements.txt", ""))
    command = [find_uv_bin(), *["pip", "compile", "--universal", "--no-header"]]
    command += ["--no-annotate", "--no-emit-index-url", "--python", sys.executable]
    command += ["--python-version", PYTHON_VERSION, "--output-file", str(output)]
    words = [*command, *options, *map(str, sources)]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    refuse_yanked(done.stderr)
    return output.read_text().splitlines()


def refuse_yanked(warnings: str) -> None:
    """Exit with a sentence for each yanked release that uv warns of; return if there is none."""
    if found := YANKED.findall(warnings):
        sentences = [
            f"{name} {version} was yanked ({why or 'no reason given'}): try --upgrade."
            for name, version, why in found
        ]
        raise SystemExit("\n".join(sentences))


def conditional(locks: list[list[str]]) -> list[str]:
    """Merge the lines of one lock per combination; those that some lack get a condition."""
    by_condition: dict[str, list[str]] = {}
    for line in sorted({line for lock in locks for line in lock}):
        needed = [line in lock for lock in locks]
        by_condition.setdefault(condition(needed), []).append(line)
    merged = by_condition.pop("true", [])
    for test, lines in sorted(by_condition.items()):
        merged += [f"# <% if {test} %>", *lines, "# <% endif %>"]
    return merged


def condition(needed: list[bool]) -> str:
    """The shortest test of the answers that is true for just the combinations in ``needed``: one
    of up to three answers was given, or none of them was.
    """
    if all(needed):
        return "true"
    answers = [all_answers(combination) for combination in COMBINATIONS]
    given = {(name, answer[name]) for answer in answers for name in [*CHOICES, *DERIVED]}
    literals = sorted((pair for pair in given if pair[1] is not False), key=str)
    for length in range(1, 4):
        for form, wanted in (("{}", needed), ("not ({})", [not need for need in needed])):
            for chosen in itertools.combinations(literals, length):
                if wanted == [any(answer[n] == v for n, v in chosen) for answer in answers]:
                    return form.format(" or ".join(itertools.starmap(literal, chosen)))
    raise SystemExit(f"No condition on the answers tells {needed} apart: add one to lock.py.")


def literal(name: str, value: str | bool) -> str:
    return f"cookiecutter.{name}" if value is True else f'cookiecutter.{name} == "{value}"'


def text_of(author: str, lines: list[str]) -> str:
    return HEADER.format(author=author) + "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
