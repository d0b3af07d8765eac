"""Draw what ``rehearse`` shows for a new project, in docs/rehearse.svg.

python -m scripts.rehearse
"""

import re
import tempfile
from pathlib import Path

from scripts.questions import ROOT, draw, talk

COMMAND = "rehearse . --html report.html"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        talk(["-m", "cookiecutter", "--no-input", str(ROOT)], [], folder)
        project = Path(folder, "my_site")
        # The package is this working tree's.
        program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import rehearse.command as c"
        words = ["-c", f"{program}; sys.exit(c.main())", *COMMAND.split()[1:]]
        shown = talk(words, [], str(project))
    # A line is written while its step runs, and again when it ends.
    lines = [re.sub(r"^.*\r\x1b\[K", "", line) for line in shown.split("\n")]
    draw(f"$ {COMMAND}\n" + "\n".join(lines), "rehearse")


if __name__ == "__main__":
    main()
