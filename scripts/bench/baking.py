"""How long a bake takes, beside the least that Cookiecutter takes."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from combinations import TEMPLATE

from bench.tables import Row

ROUNDS = 15
NOTE = "`cookiecutter --no-input`, its start included: the median of {rounds} bakes each."


def measure(folder: Path) -> Iterator[tuple[str, str, list[Row]]]:
    templates = {"a template of one empty file": floor(folder / "floor"), "this one": TEMPLATE}
    seconds: dict[str, list[float]] = {name: [] for name in templates}
    for number in range(ROUNDS):
        for name, template in templates.items():
            seconds[name].append(bake(template, folder / f"{template.name}-{number}"))
    medians = {name: 1000 * statistics.median(found) for name, found in seconds.items()}
    least = min(medians.values())
    rows: list[Row] = [
        {"template": name, "ms": median, "times": median / least}
        for name, median in medians.items()
    ]
    yield "Bakes", NOTE.format(rounds=ROUNDS), rows


def floor(folder: Path) -> Path:
    project = folder / "{{cookiecutter.project_slug}}"
    project.mkdir(parents=True)
    (project / "empty").touch()
    (folder / "cookiecutter.json").write_text(json.dumps({"project_slug": "my_site"}))
    return folder


def bake(template: Path, output: Path) -> float:
    """Bake the default answers, and return how many seconds it took."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "-o", str(output), str(template)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started
