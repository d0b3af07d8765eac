"""Errors are reported to SENTRY_DSN once, with the release and without personal data."""

import asyncio
import json
import secrets
from functools import partial

from rehearse.platforms import COMMIT
from rehearse.router import VISITOR_ADDRESS
from tests.harness.router import Router
from tests.harness.site import PASSWORD
from tests.harness.waiting import wait_until


def report_two(site, collector, secret: str):
    """Sign up and cause two errors; return the session, the first one's response and its reports.

    The second comes on the same connection, to the same process, so it is reported last.
    """
    with (
        Router(site.platform, site.port) as router,
        site.visitor(router_port=router.port) as visitor,
    ):
        visitor.sign_up("tracked")
        response = visitor.post(
            f"/extra/reset/MQ/{secret}/?token={secret}",
            data={"password": secret},
            headers={"Authorization": f"Bearer {secret}", "X-Trace": secret},
        )
        last = visitor.get("/extra/fail/").headers["X-Request-ID"]
        wait_until(lambda: collector.of_request(last), "the second report")
        session = visitor.session
    return session, response, collector.of_request(response.headers["X-Request-ID"])


def test_error_report_has_the_release_and_no_personal_data(extra_site, deployment, collector):
    secret = secrets.token_hex(8)
    session, response, events = report_two(extra_site, collector, secret)
    assert response.status_code == 500
    (event,) = events
    (error,) = event["exception"]["values"]
    assert error["type"] == "RuntimeError"
    assert error["stacktrace"]["frames"][-1]["function"] == "fail_with_secrets"
    assert event["transaction"] == "/extra/reset/{uidb64}/{token}/"
    assert event["release"] == COMMIT
    private = [secret, session, PASSWORD, deployment.environment["SECRET_KEY"], VISITOR_ADDRESS]
    sent = json.dumps(collector.events)
    assert [one for one in [*private, "tracked", '"vars"'] if one in sent] == []
    assert {"breadcrumbs", "extra", "request", "user"}.isdisjoint(event)


def test_reports_of_concurrent_requests_have_their_own_id_and_url(extra_site, collector):
    paths = [f"/extra/fail-slowly/{name}/" for name in "abcd"]  # two in threads, two on the loop

    async def ask_at_once() -> list[str]:
        answers = await asyncio.gather(*map(extra_site.ask, paths))
        return [answer.headers["x-request-id"] for answer in answers]

    for path, request_id in zip(paths, asyncio.run(ask_at_once()), strict=True):
        [event] = wait_until(partial(collector.of_request, request_id), "the report")
        [error] = event["exception"]["values"]
        assert (event["transaction"], error["value"]) == (path, path[-2])
