"""Remove each protection of docs/protections.md in turn, and see the tests fail that hold it.

    make mutants              prints a line for each mutant, and the survivors at the end
    make mutants KEEP=1       and writes docs/mutants.md
    make mutants SHARD=2/4    only every fourth mutant, from the second on

The exit status is 1 if a mutant survives, or if a test fails although nothing was removed.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

from scripts.mutants.row import Mutant
from scripts.mutants.runner import Outcome, Runner
from scripts.mutants.table import TABLE, WITHOUT_MUTANT

HEADING = """\
# Mutants

{date}: {count} protections removed one at a time, {survivors} survivors, {minutes:.0f} minutes.
`make mutants KEEP=1` writes this anew; `scripts/mutants/table.py` has each edit whole.

| protection | edit | tests that fail then | s |
|---|---|---|--:|
"""


def main() -> None:
    options = parse_arguments()
    started = time.monotonic()
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        for outcome in Runner(Path(folder)).run(options.mutants):
            print(outcome, flush=True)
            outcomes.append(outcome)
    minutes = (time.monotonic() - started) / 60
    unexpected = [outcome for outcome in outcomes if not outcome.is_expected]
    for outcome in unexpected:
        print(f"\nUNEXPECTED: {outcome}\n{outcome.output}")
    survivors = sum(outcome.mutant is not None for outcome in unexpected)
    print(f"\n{len(options.mutants)} mutants, {survivors} survivors, {minutes:.0f} minutes")
    if options.keep:
        (ROOT / "docs/mutants.md").write_text(document(outcomes, survivors, minutes))
    sys.exit(bool(unexpected))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--keep", action="store_true", help="write docs/mutants.md")
    parser.add_argument("--shard", default="1/1", help="such as 2/4: the second of four parts")
    parser.add_argument("--only", default="", help="mutants of files and tests with this text")
    options = parser.parse_args()
    number, count = map(int, options.shard.split("/"))
    found = [mutant for mutant in TABLE if options.only in f"{mutant.file} {mutant.tests}"]
    options.mutants = found[number - 1 :: count]
    return options


def document(outcomes: Iterable[Outcome], survivors: int, minutes: float) -> str:
    """The table of docs/mutants.md; last the protections that no edit can remove, and why."""
    tried = [outcome for outcome in outcomes if outcome.mutant]
    heading = HEADING.format(
        date=datetime.now(UTC).date().isoformat(),
        count=len(tried),
        survivors=survivors,
        minutes=minutes,
    )
    rows = [row(outcome, outcome.mutant) for outcome in tried]
    rows += [f"| {protection} | {reason} | | |" for protection, reason in WITHOUT_MUTANT.items()]
    return heading + "\n".join(rows) + "\n"


def row(outcome: Outcome, mutant: Mutant) -> str:
    tests = [
        f"`{test.rpartition('::')[2]}`" + ("" if result == "failed" else f" ({result})")
        for test, result in outcome.results.items()
    ]
    edit = str(mutant).replace("|", r"\|")
    return f"| {mutant.protection} | `{edit}` | {', '.join(tests)} | {outcome.seconds:.0f} |"


if __name__ == "__main__":
    main()
