"""A service that collects errors, as Sentry does."""

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Collector(ThreadingHTTPServer):
    """Out: ``dsn``, for SENTRY_DSN, and ``events``, the errors that were reported."""

    def __init__(self):
        self.events: list[dict] = []
        super().__init__(("127.0.0.1", 0), Intake)
        self.dsn = f"http://key@127.0.0.1:{self.server_port}/1"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception):
        self.shutdown()
        self.server_close()

    def of_request(self, request_id: str) -> list[dict]:
        """The errors of the request with that id."""
        return [
            event for event in self.events if event.get("tags", {}).get("request_id") == request_id
        ]


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
