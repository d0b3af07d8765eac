"""A new process takes over under full load, and no visitor notices."""

import pytest

from tests.harness.combinations import is_asgi
from tests.harness.site import STOPPED
from tests.harness.sockets import restart_code
from tests.harness.visitors import deploy

REQUESTS = 2000
PAGES = 50


# The fixture waits for a minute and a half; test_stop.py asserts its result.
@pytest.mark.usefixtures("idle_connection")
def test_a_deploy_under_full_load_fails_no_request_and_every_page_comes_back(
    deployment, sessions, project, report
):
    pages = PAGES if is_asgi(project.answers) else 0
    with deployment.site() as old:
        found = deploy(deployment, old, sessions[0], sessions[:pages], REQUESTS)
    report("requests lost in a deploy", sum(found["lost"].values()))
    codes = [restart_code(project.answers)] * pages
    assert found.pop("status") in STOPPED
    assert found == {"lost": {}, "codes": codes, "pages": pages}
