"""Measure the servers, in turns, so that noise affects all alike; it takes about six minutes.

    make bench              prints the table
    make bench KEEP=1       and keeps it in docs/bench.md
    python -m scripts.bench --servers asgi-uvicorn --turns 2   tries a part of it

This repository is measured as it stands. Every server is started as on its platform, and beside it
the same project as Django's documentation deploys it.
"""

import argparse
import os
import platform
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from rehearse.services import Certificates
from scripts.bench import pages
from scripts.bench.servers import SERVERS, Row, Server
from tests.harness.combinations import TEMPLATE
from tests.harness.services import Services

HEADING = """\
# Benchmark

{date}, Python {python}, {cores} cores, which clients and services share: compare within a column.
`make bench KEEP=1` writes this anew.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--keep", action="store_true", help="write docs/bench.md")
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=SERVERS)
    parser.add_argument("--turns", type=int, default=10, help="of pages, for each row")
    options = parser.parse_args()
    date, python = datetime.now(UTC).date().isoformat(), platform.python_version()
    heading = HEADING.format(date=date, python=python, cores=os.cpu_count())
    with (
        tempfile.TemporaryDirectory() as name,
        Services.started(Path(name), Certificates(Path(name)), connections=200) as services,
    ):
        # The platform makes no difference to the servers.
        servers = [Server(server, Path(name), services) for server in options.servers]
        rows = pages.measure(servers, options.turns)
    text = f"{heading}\n## Pages\n\n{pages.NOTE}\n\n{table(rows)}\n"
    print(text)
    if options.keep:
        (TEMPLATE / "docs/bench.md").write_text(text)


def table(rows: list[Row]) -> str:
    """A Markdown table of rows with the same columns; the first column names the row."""
    lines = [[*rows[0]], ["---", *["--:"] * (len(rows[0]) - 1)]]
    lines += [[shown(figure) for figure in row.values()] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def shown(figure: str | float) -> str:
    if isinstance(figure, str):
        return figure
    return f"{figure:,.2f}" if figure < 10 else f"{figure:,.0f}"


if __name__ == "__main__":
    main()
