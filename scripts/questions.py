"""Draw the questions as they are asked, in docs/questions.svg.

    .venv/bin/python -m scripts.questions

A project is made in a terminal 110 columns wide: its name is typed in, all else left as it is.
"""

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
COLUMNS, LINES = 110, 40
TYPED = ["Book Club"]
PROMPT = re.compile(r": $")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "cookiecutter", str(ROOT)]
        said = talk(command, TYPED, Path(folder))
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text.from_ansi(f"$ cookiecutter .\n{said.rstrip()}"))
    drawing = console.export_svg(title="cookiecutter-django-paas", unique_id="questions")
    # The fonts would be fetched from elsewhere; a reader's own will do.
    (ROOT / "docs/questions.svg").write_text(
        re.sub(r"@font-face {.*?}", "", drawing, flags=re.DOTALL)
    )


def talk(command: list[str], answers: list[str], folder: Path) -> str:
    """What a terminal shows of the command, if its prompts get these answers and then defaults."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": str(COLUMNS)}
    said, left = "", iter(answers)
    with subprocess.Popen(
        command, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        with suppress(OSError):  # how a terminal says that no one is there any more
            while chunk := os.read(ours, 4096).decode():
                said += chunk
                if PROMPT.search(re.sub(r"\x1b\[[0-9;]*m", "", said)):
                    os.write(ours, f"{next(left, '')}\n".encode())
        assert process.wait() == 0, said
    os.close(ours)
    return said.replace("\r\n", "\n")


if __name__ == "__main__":
    main()
