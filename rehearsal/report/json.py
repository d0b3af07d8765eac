"""All figures, for other programs. Times are in seconds unless a name says otherwise."""

import json
from dataclasses import asdict

from rehearsal.findings import Rehearsed


def render(rehearsed: Rehearsed) -> str:
    """``status`` of a step is "ok", "fails" or "not run"."""
    found = asdict(rehearsed)
    steps = found.pop("findings")
    for step in steps:
        for name in ("samples", "can_go_on"):
            del step[name]
    found |= {"passed": rehearsed.passed, "steps": steps}
    return json.dumps(found, indent=2) + "\n"
