"""Measure bakes and servers, side by side in one run of about seven minutes.

    make bench              prints the tables
    make bench KEEP=1       and keeps them in docs/bench.md

This repository is measured as it stands. Every server is started as on its platform, and beside it
the same project with Django's own handler. They take turns, so that noise affects all alike.
"""

import argparse
import os
import platform
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from scripts.bench import baking, servers
from scripts.bench.tables import table
from tests.harness.combinations import TEMPLATE

HEADING = """\
# Benchmark

{date}, Python {python}, {cores} cores, which clients and services share: compare within a column.
`make bench KEEP=1` writes this anew.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--keep", action="store_true", help="write docs/bench.md")
    keep = parser.parse_args().keep
    date, python = datetime.now(UTC).date().isoformat(), platform.python_version()
    parts = [HEADING.format(date=date, python=python, cores=os.cpu_count())]
    print(parts[0])
    with tempfile.TemporaryDirectory() as folder:
        for measure in (baking.measure, servers.measure):
            for title, note, rows in measure(Path(folder)):
                parts.append(f"## {title}\n\n{note}\n\n{table(rows)}\n")
                print(parts[-1], flush=True)
    if keep:
        (TEMPLATE / "docs/bench.md").write_text("\n".join(parts))


if __name__ == "__main__":
    main()
