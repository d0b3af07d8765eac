"""What a step is."""

from collections.abc import Callable
from typing import NamedTuple

from rehearsal.findings import Finding
from rehearsal.stage import Stage


def always(stage: Stage) -> bool:
    return True


class Step(NamedTuple):
    """``run`` returns what it found out. ``applies`` is asked when its turn comes. Without one that
    ``is_needed`` the platform would go no further, and neither do we.
    """

    name: str
    run: Callable[[Stage], Finding]
    applies: Callable[[Stage], bool] = always
    is_needed: bool = False
