"""Mutants of "Clients that do harm"."""

from scripts.mutants.row import (
    ASGI_GUNICORN,
    PROJECT,
    WAITRESS,
    WSGI_GUNICORN,
    by_project,
    by_template,
)

SETTINGS = "config/settings.py"
HANDLER = "paas/asgi/handler.py"
REQUEST_BUFFER = "paas/servers/request_buffer.py"
RESPONSE_BUFFER = "paas/servers/response_buffer.py"

DAPHNE_CHANNEL = f"{PROJECT}/paas/servers/daphne_channel.py"
REQUEST_BODY = f"{PROJECT}/paas/asgi/request_body.py"
WAITRESS_CHANNEL = f"{PROJECT}/paas/servers/waitress_channel.py"
WAITRESS_SERVER = f"{PROJECT}/paas/servers/waitress.py"
WSGI_WORKER = f"{PROJECT}/paas/servers/gunicorn_wsgi.py"

OWN_HEADERS = "a visitor's own headers never win"
LEFT = "a client that disconnects costs no connection, and its request is dropped while it waits"
STREAMS = "ASGI: streams and async views hold no thread"
READS_NOTHING = "a client that does not read its response holds no thread, and is disconnected"
BODY = "a body above `MAX_BODY_SIZE` is refused before it is stored"
QUEUE = "more waiting requests than `MAX_QUEUED_REQUESTS` are refused at once"
HEALTH = "health checks wait for no thread"
COOKIES = "cookies that no one was given are no error"
READINESS = "readiness asked by many at once is asked once"
ADDRESS = "paas/tests/test_production.py::test_the_client_s_ip_is_the_last_in_the_router_s_header"
TOO_LARGE = "paas/tests/test_handler.py::test_a_body_beyond_the_limit_is_refused"
WORKER_TOO_LARGE = "paas/tests/test_wsgi_worker.py::test_a_body_above_the_limit_is_refused"
ENDLESS = "paas/tests/test_wsgi_worker.py::test_a_head_or_a_chunk_line_without_end_is_refused"
OVERLOADED = "paas/tests/test_handler.py::test_requests_beyond_the_queue_are_refused_at_once"
HUGE_BODY = "test_limits.py::test_a_huge_body_is_refused_before_it_is_kept"
ANNOUNCED = (
    "test_limits.py::test_a_body_that_is_announced_as_too_large_is_refused_before_it_is_sent"
)
SENDS_ON = "test_limits.py::test_a_client_that_sends_on_after_a_refusal_is_disconnected"
CHUNK_LINE = "test_limits.py::test_a_chunk_line_without_end_is_refused_before_it_is_kept"
FULL_QUEUE = "test_limits.py::test_a_full_queue_is_said_at_once"
HOSTS = "unknown hosts are refused"
SLOW_UPLOADS = "slow uploads hold no thread"
LEFT_AMID_RESPONSE = "a client that disconnects amid a response does not delay a shutdown"
DISK = "what clients do not read takes a bounded part of the disk"
ANY_HOST = "health checks are answered with any Host and over plain HTTP"
STOP_SENDING = "a client that sends no request, or a part of one, is disconnected"
PLANS = "connections and memory stay within the smallest plans"
POSTGRESQL = "a restart of PostgreSQL between two visits is noticed by no visitor"
SPOOFED = "test_router.py::test_a_visitor_s_own_header_changes_nothing"
IDLE = "test_idle_clients.py::test_clients_that_stop_sending_are_disconnected"
READ_NOTHING = (
    "test_slow_clients.py::test_clients_that_do_not_read_hold_up_no_one_and_are_disconnected"
)
LEFT_AMID = "test_asgi_load.py::test_clients_that_left_amid_a_page_do_not_delay_a_shutdown"
RESTARTED = "test_faults.py::test_no_visitor_notices_a_restart_of_postgresql_between_two_visits"
OWN_PROXY = "behind a proxy of one's own, the client's address is not the client's word"

BEHIND_PROXIES = "paas/tests/test_production.py::test_the_client_s_ip_behind_proxies_of_one_s_own"

MUTANTS = (
    by_project(
        OWN_PROXY, "paas/proxy_headers.py", "before[::-1][:hops]", "before[::-1]", BEHIND_PROXIES
    ),
    by_project(
        OWN_PROXY,
        "paas/proxy_headers.py",
        "return addresses[:-1] if parse_address(addresses[-1]) == client else addresses",
        "return addresses",
        BEHIND_PROXIES,
    ),
    by_project(
        OWN_PROXY,
        "paas/proxy_headers.py",
        "if not is_trusted or address is None:",
        "if address is None:",
        BEHIND_PROXIES,
    ),
    by_project(OWN_PROXY, "paas/proxy_headers.py", 'if "%" in value:', "if False:", BEHIND_PROXIES),
    by_project(
        OWN_HEADERS, "paas/proxy_headers.py", '.rpartition(",")[2]', '.partition(",")[0]', ADDRESS
    ),
    by_project(
        OWN_HEADERS,
        "paas/proxy_headers.py",
        "    if settings.DEBUG:  # there is no router",
        "    if False:",
        "paas/tests/test_production.py::test_development_ignores_the_router_s_header",
    ),
    by_project(
        LEFT,
        HANDLER,
        "if not self.threads.is_busy():",
        "if True:",
        "paas/tests/test_handler.py::test_a_queued_request_is_dropped_if_its_client_disconnects",
    ),
    by_template(
        LEFT,
        WSGI_WORKER,
        "return not conn.has_left() and super().handle(conn)",
        "return super().handle(conn)",
        "test_accounts.py::test_logins_that_hang_up_hold_up_no_one_for_long",
        answers=WSGI_GUNICORN,
    ),
    by_project(
        STREAMS,
        HANDLER,
        "if self.is_async(path_info(scope)):",
        "if False:",
        "paas/tests/test_handler.py::test_an_async_view_holds_no_thread_while_it_waits",
    ),
    by_project(
        STREAMS,
        HANDLER,
        "await run_until(body.disconnected, self.send_response(response, send))",
        "await self.send_response(response, send)",
        "paas/tests/test_handler.py::test_a_stream_holds_no_thread_and_ends_at_a_disconnect_or_shutdown",
    ),
    by_project(
        READS_NOTHING,
        RESPONSE_BUFFER,
        "if self.file or in_memory + len(data) > MAX_IN_MEMORY:",
        "if False:",
        "paas/tests/test_wsgi_worker.py::test_most_of_a_response_that_is_not_read_is_kept_on_disk",
        answers=WSGI_GUNICORN,
    ),
    by_project(
        DISK,
        RESPONSE_BUFFER,
        "while self.file and self.file.tell() > MAX_IN_FILE:",
        "while False:",
        "paas/tests/test_wsgi_worker.py::test_a_response_that_would_fill_the_disk_waits_for_its_client",
        answers=WSGI_GUNICORN,
    ),
    by_project(
        BODY,
        "paas/asgi/request_body.py",
        'int(headers.get(b"content-length", 0)) > self._bytes_left',
        "False",
        TOO_LARGE,
    ),
    by_project(
        BODY,
        "paas/asgi/request_body.py",
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
        "paas/limits.py",
        "return self.size < DISCARD_BYTES and time.monotonic() < self.ends_at",
        "return time.monotonic() < self.ends_at",
        "paas/tests/test_request_limits.py::test_the_rest_of_a_refused_body_is_read_within_limits",
    ),
    by_project(
        BODY,
        "paas/limits.py",
        "return self.size < DISCARD_BYTES and time.monotonic() < self.ends_at",
        "return self.size < DISCARD_BYTES",
        "paas/tests/test_request_limits.py::test_the_rest_of_a_refused_body_is_read_within_limits",
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
        ANY_HOST,
        SETTINGS,
        "MIDDLEWARE = [",
        'MIDDLEWARE = [\n    "django.middleware.common.CommonMiddleware",',
        "paas/tests/test_production.py::test_healthz_answers_with_any_host",
    ),
    by_project(
        COOKIES,
        "paas/sessions.py",
        " and key.isalnum()",
        "",
        "tests/test_users.py::test_an_invalid_session_cookie_is_ignored",
    ),
    by_project(
        READINESS,
        "paas/health.py",
        "if name not in PENDING or PENDING[name].done():",
        "if True:",
        "paas/tests/test_production.py::test_concurrent_health_checks_share_one_probe",
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
        BODY, DAPHNE_CHANNEL, "elif not self.discarded.add(len(data)):", "elif False:", SENDS_ON
    ),
    by_template(
        BODY,
        REQUEST_BODY,
        'more = discarded.add(len(message.get("body", b"")))',
        "more = True",
        SENDS_ON,
        answers=ASGI_GUNICORN,
    ),
    by_template(
        BODY,
        WSGI_WORKER,
        " or now > connection.close_at",
        "",
        SENDS_ON,
        answers=WSGI_GUNICORN,
    ),
    by_template(
        BODY,
        WAITRESS_CHANNEL,
        "if not self.discarded.add(len(data)):",
        "if False:",
        SENDS_ON,
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
    by_template(
        OWN_HEADERS,
        f"{PROJECT}/{SETTINGS}",
        "SECURE_SSL_REDIRECT = True",
        "SECURE_SSL_REDIRECT = USE_X_FORWARDED_HOST = True",
        SPOOFED,
        answers=WAITRESS,
    ),
    by_template(
        OWN_HEADERS,
        f"{PROJECT}/gunicorn.conf.py",
        'forwarder_headers = ""',
        "",
        SPOOFED,
        answers=WSGI_GUNICORN,
    ),
    by_template(
        OWN_HEADERS,
        f"{PROJECT}/paas/servers/daphne.py",
        'scope["root_path"] = self.root_path',
        "pass",
        SPOOFED,
    ),
    by_template(
        HOSTS,
        f"{PROJECT}/{SETTINGS}",
        '"django.middleware.common.CommonMiddleware",',
        "",
        "test_boot.py::test_a_foreign_host_is_refused",
        answers=WAITRESS,
    ),
    by_template(
        LEFT,
        WSGI_WORKER,
        "return not conn.has_left() and super().handle(conn)",
        "return super().handle(conn)",
        "test_wsgi_worker.py::test_requests_whose_clients_left_while_they_waited_are_dropped",
        answers=WSGI_GUNICORN,
    ),
    by_template(
        LEFT_AMID_RESPONSE,
        f"{PROJECT}/paas/servers/gunicorn_asgi.py",
        "        self.resume_writing()",
        "        pass",
        LEFT_AMID,
        answers=ASGI_GUNICORN,
    ),
    by_template(
        LEFT_AMID_RESPONSE,
        DAPHNE_CHANNEL,
        "self.can_write.set()  # ends",
        "pass  # ends",
        LEFT_AMID,
    ),
    by_template(
        SLOW_UPLOADS,
        f"{PROJECT}/gunicorn.conf.py",
        '"paas.servers.gunicorn_wsgi.Worker"',
        '"gthread"',
        "test_clients.py::test_slow_uploads_hold_up_no_one",
        answers=WSGI_GUNICORN,
    ),
    by_template(
        STOP_SENDING,
        WSGI_WORKER,
        "            seconds = REQUEST_TIMEOUT",
        "            seconds = math.inf",
        IDLE,
        answers=WSGI_GUNICORN,
    ),
    by_template(
        STOP_SENDING,
        WAITRESS_CHANNEL,
        "and pause > RECEIVE_TIMEOUT)",
        "and pause < 0)",
        IDLE,
        answers=WAITRESS,
    ),
    by_template(
        STOP_SENDING,
        f"{PROJECT}/paas/servers/gunicorn_asgi.py",
        "self._arm_keepalive_timer()",
        "pass",
        IDLE,
        answers=ASGI_GUNICORN,
    ),
    by_template(
        STOP_SENDING,
        DAPHNE_CHANNEL,
        "self.timeOut = KEEP_ALIVE_SECONDS",
        "self.timeOut = None",
        IDLE,
    ),
    by_template(
        READS_NOTHING,
        f"{PROJECT}/paas/limits.py",
        "listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)",
        "pass",
        READ_NOTHING,
        answers=ASGI_GUNICORN,
    ),
    by_template(
        READS_NOTHING,
        f"{PROJECT}/paas/servers/daphne.py",
        "await channel.can_write.wait()",
        "pass",
        READ_NOTHING,
    ),
    by_template(
        READS_NOTHING,
        WSGI_WORKER,
        "timeout = settings.SEND_TIMEOUT",
        "timeout = math.inf",
        "test_wsgi_worker.py::test_a_client_that_never_reads_is_disconnected",
        answers=WSGI_GUNICORN,
    ),
    by_project(
        READS_NOTHING,
        "paas/servers/waitress_channel.py",
        "self.current_outbuf_count = self.adj.outbuf_high_watermark",
        "pass",
        "paas/tests/test_waitress_channel.py"
        "::test_a_long_response_to_a_client_that_reads_steadily_takes_little_memory",
        answers=WAITRESS,
    ),
    by_template(
        DISK,
        WAITRESS_SERVER,
        "is_full = sum(unread.values()) > MAX_UNREAD_ON_DISK",
        "is_full = False",
        "test_waitress.py::test_what_clients_do_not_read_takes_a_bounded_part_of_the_disk",
        answers=WAITRESS,
    ),
    by_template(
        PLANS,
        f"{PROJECT}/paas/redis.py",
        '"pool_class": SharedPool,',
        "",
        "test_redis.py::test_the_cache_keeps_to_three_connections_however_many_use_it",
    ),
    by_template(
        PLANS,
        f"{PROJECT}/paas/asgi/threads.py",
        "connections.close_all()",
        "pass",
        "test_budgets.py::test_it_stays_within_the_smallest_plans_and_gives_back_what_it_took",
    ),
    by_template(
        POSTGRESQL,
        f"{PROJECT}/paas/database_url.py",
        "conn_health_checks=True",
        "conn_health_checks=False",
        RESTARTED,
        answers=WSGI_GUNICORN,
    ),
    by_template(
        POSTGRESQL,
        f"{PROJECT}/paas/database.py",
        " and is_quiet(connection.connection)",
        "",
        RESTARTED,
        answers=ASGI_GUNICORN,
    ),
)
