"""A worker, started by its own command beside the web process, sends a mail."""

from tests.harness.combinations import for_combinations
from tests.harness.worker import EVERYDAY, events, worker_with_one_mail


@for_combinations(EVERYDAY)
def test_the_line_of_a_task_has_the_id_of_the_request_that_queued_it(
    deployment, site, services, mail
):
    """The mail arrives once, and SIGTERM ends the worker with status 0 and without a traceback."""
    with worker_with_one_mail(deployment, site, services, mail) as (worker, request_id):
        pass
    [line] = [event for event in events(worker) if event.get("request_id") == request_id]
    assert (line["logger"], line["level"]) == ("celery.app.trace", "info")
    assert line["task"] == "welcome.tasks.send_welcome"
    assert line["task_id"] in line["event"]
