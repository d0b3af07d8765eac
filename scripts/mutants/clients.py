"""Mutants of "Clients that do harm"."""

from mutants.row import ASGI_GUNICORN, PROJECT, WAITRESS, WSGI_GUNICORN, by_project, by_template

SETTINGS = "config/settings.py"
HANDLER = "config/handler.py"
REQUEST_BUFFER = "config/request_buffer.py"
RESPONSE_BUFFER = "config/response_buffer.py"

DAPHNE_CHANNEL = f"{PROJECT}/config/daphne_channel.py"
REQUEST_BODY = f"{PROJECT}/config/request_body.py"
WAITRESS_CHANNEL = f"{PROJECT}/config/waitress_channel.py"
WAITRESS_SERVER = f"{PROJECT}/config/waitress.py"
WSGI_WORKER = f"{PROJECT}/config/wsgi_worker.py"

OWN_HEADERS = "a visitor's own headers never win"
LEFT = "a client that disconnects costs no connection, and its request is dropped while it waits"
STREAMS = "ASGI: streams and async views hold no thread"
READS_NOTHING = "a client that does not read its response holds no thread, and is disconnected"
BODY = "a body above `MAX_BODY_SIZE` is refused before it is stored"
QUEUE = "more waiting requests than `MAX_QUEUED_REQUESTS` are refused at once"
HEALTH = "health checks wait for no thread"
COOKIES = "cookies that no one was given are no error"
READINESS = "readiness asked by many at once is asked once"
ADDRESS = "test_production.py::test_the_client_s_address_is_the_one_that_the_router_saw"
TOO_LARGE = "test_handler.py::test_a_body_beyond_the_limit_is_refused"
WORKER_TOO_LARGE = "test_wsgi_worker.py::test_a_body_above_the_limit_is_refused"
ENDLESS = "test_wsgi_worker.py::test_a_head_or_a_chunk_line_without_end_is_refused"
OVERLOADED = "test_handler.py::test_requests_beyond_the_queue_are_refused_at_once"
HUGE_BODY = "test_limits.py::test_a_huge_body_is_refused_before_it_is_kept"
ANNOUNCED = (
    "test_limits.py::test_a_body_that_is_announced_as_too_large_is_refused_before_it_is_sent"
)
CHUNK_LINE = "test_limits.py::test_a_chunk_line_without_end_is_refused_before_it_is_kept"
FULL_QUEUE = "test_limits.py::test_a_full_queue_is_said_at_once"

MUTANTS = (
    by_project(
        OWN_HEADERS, "config/router.py", '.rpartition(",")[2]', '.partition(",")[0]', ADDRESS
    ),
    by_project(
        OWN_HEADERS,
        "config/router.py",
        "    if settings.DEBUG:  # there is no router",
        "    if False:",
        "test_production.py::test_development_believes_no_router",
    ),
    by_project(
        LEFT,
        HANDLER,
        "if not self.threads.is_busy():",
        "if True:",
        "test_handler.py::test_a_client_that_leaves_while_its_request_waits_is_not_served",
    ),
    by_project(
        STREAMS,
        HANDLER,
        "if self.is_async(path_info(scope)):",
        "if False:",
        "test_handler.py::test_an_async_view_holds_no_thread_while_it_waits",
    ),
    by_project(
        STREAMS,
        HANDLER,
        "await run_until(body.disconnected, self.send_response(response, send))",
        "await self.send_response(response, send)",
        "test_handler.py::test_a_stream_holds_no_thread_and_ends_with_its_client_or_the_process",
    ),
    by_project(
        READS_NOTHING,
        RESPONSE_BUFFER,
        "if self.file or in_memory + len(data) > MAX_IN_MEMORY:",
        "if False:",
        "test_wsgi_worker.py::test_most_of_a_response_that_is_not_read_is_kept_on_disk",
        answers=WSGI_GUNICORN,
    ),
    by_project(
        READS_NOTHING,
        RESPONSE_BUFFER,
        "while self.file and self.file.tell() > MAX_IN_FILE:",
        "while False:",
        "test_wsgi_worker.py::test_a_response_that_would_fill_the_disk_waits_for_its_client",
        answers=WSGI_GUNICORN,
    ),
    by_project(
        BODY,
        "config/request_body.py",
        'int(headers.get(b"content-length", 0)) > self._bytes_left',
        "False",
        TOO_LARGE,
    ),
    by_project(
        BODY,
        "config/request_body.py",
        'self._bytes_left -= len(message.get("body", b""))',
        "pass",
        TOO_LARGE,
    ),
    by_project(
        BODY,
        REQUEST_BUFFER,
        "if (self.framer.content_length or 0) > self.limit:",
        "if False:",
        WORKER_TOO_LARGE,
        answers=WSGI_GUNICORN,
    ),
    by_project(
        BODY,
        REQUEST_BUFFER,
        "if self.file.tell() + len(data) > self.limit:",
        "if False:",
        WORKER_TOO_LARGE,
        answers=WSGI_GUNICORN,
    ),
    by_project(
        BODY,
        REQUEST_BUFFER,
        "if len(self.received) > MAX_HEAD_SIZE:",
        "if False:",
        ENDLESS,
        answers=WSGI_GUNICORN,
    ),
    by_project(
        BODY,
        REQUEST_BUFFER,
        "limit_request_field_size=config.limit_request_field_size",
        "limit_request_field_size=10**9",
        ENDLESS,
        answers=WSGI_GUNICORN,
    ),
    by_project(
        BODY,
        REQUEST_BUFFER,
        r'self.received.count(b"\n") != self.received.count(b"\r\n")',
        "False",
        ENDLESS,
        answers=WSGI_GUNICORN,
    ),
    by_project(
        BODY,
        "config/limits.py",
        "return self.size < DISCARD_BYTES and time.monotonic() < self.ends_at",
        "return time.monotonic() < self.ends_at",
        "test_request_limits.py::test_the_rest_of_a_refused_body_is_read_within_limits",
    ),
    by_project(
        BODY,
        "config/limits.py",
        "return self.size < DISCARD_BYTES and time.monotonic() < self.ends_at",
        "return self.size < DISCARD_BYTES",
        "test_request_limits.py::test_the_rest_of_a_refused_body_is_read_within_limits",
    ),
    by_project(
        QUEUE,
        HANDLER,
        "if len(self.queued) >= settings.MAX_QUEUED_REQUESTS:",
        "if False:",
        OVERLOADED,
    ),
    by_project(HEALTH, HANDLER, 'if scope["path"] in health.PATHS:', "if False:", OVERLOADED),
    by_project(
        HEALTH,
        SETTINGS,
        "MIDDLEWARE = [",
        'MIDDLEWARE = [\n    "django.middleware.common.CommonMiddleware",',
        "test_production.py::test_the_process_is_alive",
    ),
    by_project(
        COOKIES,
        "config/sessions.py",
        " and key.isalnum()",
        "",
        "test_users.py::test_a_session_cookie_that_no_one_was_given_is_no_error",
    ),
    by_project(
        READINESS,
        "config/health.py",
        "if name not in PENDING or PENDING[name].done():",
        "if True:",
        "test_production.py::test_probes_that_come_at_once_share_one_answer",
    ),
    by_template(
        BODY,
        DAPHNE_CHANNEL,
        "if self.length and self.length > self.body_limit:",
        "if False:",
        ANNOUNCED,
    ),
    by_template(
        BODY,
        DAPHNE_CHANNEL,
        "if self.content.tell() + len(data) > self.channel.body_limit:",
        "if False:",
        HUGE_BODY,
    ),
    by_template(
        BODY,
        REQUEST_BODY,
        "self.is_too_large = self._bytes_left < 0",
        "self.is_too_large = False",
        HUGE_BODY,
        answers=ASGI_GUNICORN,
    ),
    by_template(
        BODY,
        WAITRESS_CHANNEL,
        "max(self.content_length, len(self.body_rcv)) <= self.body_limit",
        "len(self.body_rcv) <= self.body_limit",
        ANNOUNCED,
        answers=WAITRESS,
    ),
    by_template(
        BODY,
        WAITRESS_CHANNEL,
        "max(self.content_length, len(self.body_rcv)) <= self.body_limit",
        "self.content_length <= self.body_limit",
        HUGE_BODY,
        answers=WAITRESS,
    ),
    by_template(
        BODY,
        WAITRESS_CHANNEL,
        "is_small and self.chunk_line_length() <= MAX_CHUNK_LINE",
        "is_small",
        CHUNK_LINE,
        answers=WAITRESS,
    ),
    by_template(
        QUEUE,
        WAITRESS_SERVER,
        "elif len(dispatcher.queue) < settings.MAX_QUEUED_REQUESTS:",
        "elif True:",
        FULL_QUEUE,
        answers=WAITRESS,
    ),
    by_template(
        QUEUE,
        WSGI_WORKER,
        "if self.unfinished >= settings.MAX_QUEUED_REQUESTS + settings.WEB_THREADS:",
        "if False:",
        FULL_QUEUE,
        answers=WSGI_GUNICORN,
    ),
    by_template(
        HEALTH,
        WAITRESS_SERVER,
        "dispatcher.queue.rotate(1)",
        "pass",
        FULL_QUEUE,
        answers=WAITRESS,
    ),
    by_template(
        HEALTH,
        WSGI_WORKER,
        "pool = self.health_pool if conn.is_health_check else self.tpool",
        "pool = self.tpool",
        FULL_QUEUE,
        answers=WSGI_GUNICORN,
    ),
)
