"""Draw what a terminal shows, in docs/: the questions as they are asked, and a rehearsal.

    python -m scripts.pictures

The questions are answered in a terminal 110 columns wide: a name is typed in, all else left as it is.
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
REHEARSE = "rehearse . --html report.html"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        draw(
            "$ cookiecutter .", talk(["-m", "cookiecutter", str(ROOT)], TYPED, folder), "questions"
        )
        [project] = Path(folder).iterdir()
        # The package is this working tree's.
        program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import rehearse.command as c"
        words = ["-c", f"{program}; sys.exit(c.main())", *REHEARSE.split()[1:]]
        shown = talk(words, [], str(project))
    # A line is written while its step runs, and again when it ends.
    draw(f"$ {REHEARSE}", re.sub(r"(?m)^.*\r\x1b\[K", "", shown), "rehearse")


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


def draw(command: str, shown: str, name: str) -> None:
    """Draw a command and what it shows, in docs/NAME.svg."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text.from_ansi(f"{command}\n{shown.rstrip()}"))
    drawing = console.export_svg(title="cookiecutter-django-paas", unique_id=name)
    # Without the web fonts, which a reader's browser would have to download.
    drawing = re.sub(r"@font-face {.*?}", "", drawing, flags=re.DOTALL)
    (ROOT / f"docs/{name}.svg").write_text(drawing)


if __name__ == "__main__":
    main()
