from pathlib import Path

import pytest

pytest_plugins = [
    "rehearsal.fixtures",
    "rehearsal.limits",
    "rehearsal.browsing",
    "rehearsal.checkouts",
    "rehearsal.presence",
    "rehearsal.summary",
]

REHEARSALS = Path(__file__).parent / "tests/rehearsals"


# First, as pytest then leaves out what -m does not name.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if REHEARSALS in item.path.parents:
            item.add_marker(pytest.mark.rehearsal)
