from pathlib import Path

import pytest

pytest_plugins = [
    "tests.harness.environments",
    "tests.harness.checkouts",
    "tests.harness.fixtures",
    "tests.harness.locked",
    "tests.harness.browsing",
    "tests.harness.presence",
    "tests.harness.summary",
]

REHEARSALS = Path(__file__).parent / "tests/rehearsals"


# Before pytest's own hook, which applies -m: the mark has to be there by then.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if REHEARSALS in item.path.parents:
            item.add_marker(pytest.mark.rehearsal)
