"""Errors are reported where SENTRY_DSN says: once, with the release, and nothing personal."""

import gzip
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from rehearsal.combinations import SERVERS, for_combinations
from rehearsal.faults import add_faults
from rehearsal.platforms import COMMIT
from rehearsal.router import VISITOR_ADDRESS, Router
from rehearsal.site import PASSWORD

pytestmark = for_combinations(SERVERS)


class Collector(ThreadingHTTPServer):
    """Stands for Sentry: takes what is sent to ``dsn`` and keeps the ``events``."""

    def __init__(self):
        self.events = []
        super().__init__(("127.0.0.1", 0), Intake)
        self.dsn = f"http://key@127.0.0.1:{self.server_port}/1"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return super().__enter__()

    def __exit__(self, *exception):
        self.shutdown()
        super().__exit__(*exception)

    def wait_for_events(self, seconds: float = 20) -> list[dict]:
        """The events, some time after the first came."""
        deadline = time.monotonic() + seconds
        while not self.events:
            assert time.monotonic() < deadline, "nothing was reported"
            time.sleep(0.1)
        time.sleep(2)
        return self.events


class Intake(BaseHTTPRequestHandler):
    """An envelope is lines of JSON: its header, then each item's header and the item."""

    server: Collector

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        lines = [json.loads(line) for line in body.splitlines() if line]
        for header, item in zip(lines[1::2], lines[2::2], strict=True):
            if header["type"] == "event":
                self.server.events.append(item)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *arguments):
        pass


@pytest.fixture
def collector():
    with Collector() as collector:
        yield collector


def test_an_error_is_reported_once_with_its_release_and_nothing_personal(deployment, collector):
    secret = secrets.token_hex(8)
    changes = add_faults(deployment.platform.folder) | {"SENTRY_DSN": collector.dsn}
    with deployment.site(**changes) as site, Router(site.platform, site.port) as router:
        with site.visitor() as visitor:
            visitor.sign_up("tracked")
            session = visitor.session
            visitor.base_url = f"http://127.0.0.1:{router.port}"
            response = visitor.post(
                f"/reset/MQ/{secret}/?token={secret}",
                data={"password": secret},
                headers={"Authorization": f"Bearer {secret}", "X-Trace": secret},
            )
        events = collector.wait_for_events()
        site.process.stop()
        assert site.process.events(), "what was printed is not JSON"
    assert response.status_code == 500
    (event,) = events
    (error,) = event["exception"]["values"]
    assert error["type"] == "RuntimeError"
    assert error["stacktrace"]["frames"][-1]["function"] == "fail"
    assert event["transaction"] == "/reset/{uidb64}/{token}/"
    assert event["release"] == COMMIT
    assert event["tags"]["request_id"] == response.headers["X-Request-ID"]
    private = [secret, session, PASSWORD, deployment.environment["SECRET_KEY"], VISITOR_ADDRESS]
    told = json.dumps(event)
    assert [one for one in [*private, "tracked", '"vars"'] if one in told] == []
    assert {"breadcrumbs", "extra", "request", "user"}.isdisjoint(event)


def test_nothing_is_imported_for_it_unless_it_is_asked_for(deployment):
    printed = deployment.run_script("import sys; print('imported:', 'sentry_sdk' in sys.modules)")
    assert "imported: False" in printed
