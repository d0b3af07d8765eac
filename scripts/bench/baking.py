"""How long a bake takes, beside the least that Cookiecutter takes."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from scripts.bench.tables import Row
from tests.harness.combinations import TEMPLATE

ROUNDS = 25
NOTE = "`cookiecutter --no-input`, its start included: the median of {rounds} bakes each{where}."
# A RAM disk, where there is one: a bake writes a hundred files, and on a real disk the time for one
# varied from 0.03 to 0.45 ms within minutes.
MEMORY = Path("/dev/shm")


def measure(folder: Path) -> Iterator[tuple[str, str, list[Row]]]:
    templates = {
        "a template of one empty file": empty_template(folder / "floor"),
        "this one": TEMPLATE,
    }
    seconds: dict[str, list[float]] = {name: [] for name in templates}
    in_memory = MEMORY.is_dir()
    with tempfile.TemporaryDirectory(dir=MEMORY if in_memory else folder) as outputs:
        for number in range(ROUNDS):
            for name, template in templates.items():
                seconds[name].append(bake(template, Path(outputs, f"{template.name}-{number}")))
    medians = {name: 1000 * statistics.median(found) for name, found in seconds.items()}
    least = min(medians.values())
    rows: list[Row] = [
        {"template": name, "ms": median, "times": median / least}
        for name, median in medians.items()
    ]
    where = ", to a disk in memory" if in_memory else ""
    yield "Bakes", NOTE.format(rounds=ROUNDS, where=where), rows


def empty_template(folder: Path) -> Path:
    project = folder / "{{cookiecutter.project_slug}}"
    project.mkdir(parents=True)
    (project / "empty").touch()
    (folder / "cookiecutter.json").write_text(json.dumps({"project_slug": "my_site"}))
    return folder


def bake(template: Path, output: Path) -> float:
    """Make ``output``, bake the default answers into it, and return the seconds it took."""
    output.mkdir()
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "-o", str(output), str(template)]
    # Cookiecutter leaves a copy of each hook in the temporary folder, which Python lists when the
    # next hook imports something: thousands would slow it down.
    environment = os.environ | {"TMPDIR": str(output)}
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - started
