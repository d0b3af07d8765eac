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
import subprocess
import sys
import tempfile
from pathlib import Path

from cookiecutter.generate import generate_context
from cookiecutter.main import cookiecutter
from cookiecutter.prompt import prompt_for_config
from uv import find_uv_bin

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from combinations import CHOICES, COMBINATIONS, name_of

PROJECT = ROOT / "{{cookiecutter.project_slug}}"
# The lowest that a project may choose; the locks hold for every later one too.
PYTHON_VERSION = "3.12"
HEADER = """\
# All that pyproject.toml asks for, and all that it needs in turn, pinned.
# {author}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions")
    options = ["--upgrade"] if parser.parse_args().upgrade else []
    with tempfile.TemporaryDirectory() as folder:
        lock_template(Path(folder), options)
        lock_project(Path(folder), options)


def lock_template(folder: Path, options: list[str]) -> None:
    lock = ROOT / "requirements.txt"
    groups = ["--group", f"{ROOT / 'pyproject.toml'}:dev"]
    lines = resolve([], folder / "template.txt", *groups, *options, preferring=[lock])
    write(lock, "Written by scripts/lock.py.", lines)


def lock_project(folder: Path, options: list[str]) -> None:
    everything = folder / "everything.txt"
    locks = [PROJECT / "requirements.txt", PROJECT / "requirements-dev.txt"]
    baked = {name_of(answers): bake(answers, folder) for answers in COMBINATIONS}
    groups = [option for path in baked.values() for option in ("--group", f"{path}:dev")]
    resolve(list(baked.values()), everything, *groups, *options, preferring=locks)

    # The cache holds all of it by now, and asking the index again takes minutes.
    pinned = ["--offline", "--constraint", str(everything)]
    production, development = [], []
    for name, path in baked.items():
        production.append(resolve([path], folder / f"{name}.txt", *pinned))
        dev = resolve([path], folder / f"{name}-dev.txt", "--group", f"{path}:dev", *pinned)
        development.append([line for line in dev if line not in production[-1]])
    author = "`uv pip compile pyproject.toml -o requirements.txt` writes it anew."
    write(locks[0], author, conditional(production))
    author = "The same for the tools of development."
    write(locks[1], author, ["-r requirements.txt", *conditional(development)])


def bake(answers: dict, folder: Path) -> Path:
    """Bake the combination and return its pyproject.toml."""
    output = folder / name_of(answers)
    return Path(cookiecutter(str(ROOT), None, True, answers, output_dir=output)) / "pyproject.toml"


def resolve(
    sources: list[Path], output: Path, *options: str, preferring: list[Path] | None = None
) -> list[str]:
    """Resolve with ``uv pip compile`` for every platform and Python, and return the pinned lines.

    Versions in the locks of ``preferring`` are kept where they fit. Exits if nothing fits.
    """
    locked = [path.read_text() for path in preferring or [] if path.exists()]
    output.write_text("".join(locked).replace("-r requirements.txt", ""))
    command = [find_uv_bin(), "pip", "compile", "--quiet", "--universal"]
    command += [
        "--python-version",
        PYTHON_VERSION,
        "--no-header",
        "--no-annotate",
        "--no-emit-index-url",
        "--output-file",
        str(output),
    ]
    subprocess.run([*command, *options, *map(str, sources)], check=True, stdout=subprocess.DEVNULL)
    return output.read_text().splitlines()


def conditional(locks: list[list[str]]) -> list[str]:
    """Merge the lines of one lock per combination; those that some lack get a condition."""
    by_condition = {}
    for line in sorted({line for lock in locks for line in lock}):
        needed = [line in lock for lock in locks]
        by_condition.setdefault(condition(needed), []).append(line)
    merged = by_condition.pop("true", [])
    for test, lines in sorted(by_condition.items()):
        merged += [f"# <% if {test} %>", *lines, "# <% endif %>"]
    return merged


def condition(needed: list[bool]) -> str:
    """The shortest test of the answers that is true for just the combinations in ``needed``."""
    if all(needed):
        return "true"
    answers = [derived(combination) for combination in COMBINATIONS]
    names = [*CHOICES, "__interface", "__app_server"]
    literals = sorted({(name, answer[name]) for answer in answers for name in names}, key=str)
    for length in range(1, 4):
        for chosen in itertools.combinations(literals, length):
            if needed == [any(answer[n] == value for n, value in chosen) for answer in answers]:
                return " or ".join(map(literal, chosen))
    raise SystemExit(f"No condition on the answers tells {needed} apart: add one to lock.py.")


def literal(test: tuple[str, str | bool]) -> str:
    name, value = test
    return f'cookiecutter.{name} == "{value}"' if isinstance(value, str) else f"cookiecutter.{name}"


def derived(answers: dict) -> dict:
    """All answers, private ones included, that follow from ``answers``."""
    context = generate_context(str(ROOT / "cookiecutter.json"), extra_context=answers)
    return prompt_for_config(context, no_input=True)


def write(lock: Path, author: str, lines: list[str]) -> None:
    lock.write_text(HEADER.format(author=author) + "\n".join(lines) + "\n", newline="\n")


if __name__ == "__main__":
    main()
