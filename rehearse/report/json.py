"""All figures, for other programs. Times are in seconds unless a name says otherwise."""

import json
from dataclasses import asdict

from rehearse.findings import Rehearsed


def render(rehearsed: Rehearsed) -> str:
    """``status`` of a step is "ok", "fails" or "not run"."""
    found = asdict(rehearsed)
    left_out = ("step", "samples", "can_go_on", "ends_run")
    found["steps"] = [
        {"name": one["step"]} | {name: one[name] for name in one if name not in left_out}
        for one in found.pop("findings")
    ]
    found["passed"] = rehearsed.passed
    return json.dumps(found, indent=2) + "\n"
