"""Draw the questions as they are asked, in docs/questions.svg.

    python -m scripts.questions

A project is made in a terminal 110 columns wide: its name is typed in, all else left as it is.
"""

import io
import itertools
import os
import re
import sys
import tempfile
from pathlib import Path

import pexpect
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
COLUMNS, LINES = 110, 40
TYPED = ["Book Club"]
PROMPT = r": (\x1b\[[0-9;]*m)*$"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        shown = talk(["-m", "cookiecutter", str(ROOT)], TYPED, folder)
    draw(f"$ cookiecutter .\n{shown}", "questions")


def draw(shown: str, name: str) -> None:
    """Draw what a terminal shows, in docs/NAME.svg."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text.from_ansi(shown.rstrip()))
    drawing = console.export_svg(title="cookiecutter-django-paas", unique_id=name)
    # Without the web fonts, which a reader's browser would have to download.
    drawing = re.sub(r"@font-face {.*?}", "", drawing, flags=re.DOTALL)
    (ROOT / f"docs/{name}.svg").write_text(drawing)


def talk(words: list[str], answers: list[str], folder: str) -> str:
    """Run Python in a terminal with these answers, then defaults; return what it shows."""
    with pexpect.spawn(
        sys.executable,
        words,
        cwd=folder,
        encoding="utf-8",
        dimensions=(LINES, COLUMNS),
        timeout=600,
        env=os.environ | {"TERM": "xterm-256color"},
    ) as terminal:
        terminal.logfile_read = shown = io.StringIO()
        for answer in itertools.chain(answers, itertools.repeat("")):
            if terminal.expect([PROMPT, pexpect.EOF]) == 1:
                break
            terminal.sendline(answer)
        terminal.close()
    assert terminal.exitstatus == 0, shown.getvalue()
    return shown.getvalue().replace("\r\n", "\n")


if __name__ == "__main__":
    main()
