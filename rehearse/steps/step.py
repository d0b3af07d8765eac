"""What a step is."""

from collections.abc import Callable
from typing import NamedTuple

from rehearse.findings import Finding
from rehearse.stage import Stage


def always(stage: Stage) -> bool:
    return True


def nothing(stage: Stage) -> None: ...


class Step(NamedTuple):
    """``run`` returns what it found out. ``applies`` is called just before. If a step
    that ``is_needed`` fails, the platform would stop, and the later steps are not run.

    ``begin`` is called once all that are needed have passed: what it begins takes its time beside
    the other steps.
    """

    name: str
    run: Callable[[Stage], Finding]
    applies: Callable[[Stage], bool] = always
    is_needed: bool = False
    begin: Callable[[Stage], None] = nothing
