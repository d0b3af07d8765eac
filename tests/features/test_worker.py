"""A worker, started by its own command beside the web process, sends a mail."""

import signal

from tests.harness.combinations import by_name, for_combinations
from tests.harness.waiting import wait_until
from tests.harness.worker import events, sign_up, wait_for_end

# What Heroku's smallest plans give; App Platform's give no less.
REDIS_CONNECTIONS, MEGABYTES = 20, 512
# One for each server, on both platforms.
WITH_CELERY = by_name(
    "heroku-asgi-uvicorn-use_celery-use_s3_media",
    "digitalocean-asgi-daphne-use_celery",
    "heroku-wsgi-gunicorn-use_celery-use_s3_media",
    "digitalocean-wsgi-waitress-use_celery-use_s3_media",
)


@for_combinations(WITH_CELERY)
def test_the_line_of_a_task_has_the_id_of_the_request_that_queued_it(
    deployment, site, services, mail
):
    """The mail arrives once, and SIGTERM ends the worker with status 0 and without a traceback."""
    services.valkey.flush()  # tasks that other tests left
    with deployment.worker() as worker:
        address, request_id = sign_up(site, "greeted")
        wait_until(lambda: mail.sent_to(address), "the mail")
        wait_until(lambda: not services.valkey.tasks("send_welcome"), "the end of the task")
        connections = sum(map(services.redis_connections, (worker, site.process)))
        assert 0 < connections <= REDIS_CONNECTIONS
        assert worker.memory() < MEGABYTES
        worker.signal(signal.SIGTERM)
        wait_for_end(worker)
    assert len(mail.sent_to(address)) == 1
    [line] = [event for event in events(worker) if event.get("request_id") == request_id]
    assert (line["logger"], line["level"]) == ("celery.app.trace", "info")
    assert line["task"] == "welcome.tasks.send_welcome"
    assert line["task_id"] in line["event"]
