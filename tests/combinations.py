"""Every combination of answers, computed from ``cookiecutter.json``."""

import itertools
import json
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parent.parent
QUESTIONS = json.loads((TEMPLATE / "cookiecutter.json").read_text())
CHOICES = {
    name: values if isinstance(values, list) else [True, False]
    for name, values in QUESTIONS.items()
    if not name.startswith("_") and isinstance(values, list | bool)
}
COMBINATIONS = [
    dict(zip(CHOICES, values, strict=True)) for values in itertools.product(*CHOICES.values())
]


def name_of(answers: dict) -> str:
    """A short name for the combination: its choices, and the names of the options turned on."""
    words = [name if value is True else value for name, value in answers.items() if value]
    return "-".join(words)
