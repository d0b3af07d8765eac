"""Mutants of "Logs and error reports"."""

from scripts.mutants.row import PROJECT, WAITRESS, WSGI_GUNICORN, by_project, by_template

LOGS = "paas/logs.py"
REQUEST_LOG = "paas/request_log.py"

LINE = "a line of JSON per event: id, person, address, time in the queue and at work"
SECRETS = "no password, cookie, token or query in any line"
ADDRESS = "the client's address is the router's word, once for all"
IDS = "ids that a client made up are no good unless harmless"
FLOOD = "no flood of one and the same line"
ERROR_PAGE = "an error page shows its id, and nothing else of it"
SOCKETS = "the same id in the lines of sockets and tasks"
ONE_LINE = "paas/tests/test_logs.py::test_a_request_logs_one_line_without_its_query_string"
ERROR = "paas/tests/test_logs.py::test_an_error_is_logged_with_the_request_id_of_its_page_and_without_tokens"
MADE_UP = "paas/tests/test_logs.py::test_an_invalid_request_id_is_replaced"
REPEATED = "paas/tests/test_logs.py::test_rate_limited_loggers_log_one_line_per_interval"
SENTRY = "`SENTRY_DSN`: errors without headers, forms, addresses, people or variables"
REPORTED = (
    "test_error_tracking.py::test_an_error_is_reported_once_with_its_release_and_nothing_personal"
)
LINKS = "no link of a mail, which opens an account"

MUTANTS = (
    by_project(
        LINKS,
        LOGS,
        '{"token", "key", "uidb36", "uidb64"}',
        '{"token"}',
        "tests/test_users.py::test_paths_with_a_key_are_not_logged",
    ),
    by_project(
        LINKS,
        LOGS,
        'or resolve_path(path) or resolve_path(f"{path}/")',
        'or resolve_path(f"{path}/")',
        "tests/test_users.py::test_paths_with_a_key_are_not_logged",
    ),
    by_project(LINE, REQUEST_LOG, "user_id=user_id(request),", "user_id=None,", ONE_LINE),
    by_project(LINE, REQUEST_LOG, 'address=request.META["REMOTE_ADDR"],', 'address="",', ONE_LINE),
    by_project(
        LINE,
        REQUEST_LOG,
        "request.log_context = bind_contextvars(request_id=request.request_id)",
        "request.log_context = bind_contextvars()",
        ONE_LINE,
    ),
    by_project(
        LINE,
        "config/settings.py",
        '"paas.request_log.RequestLogMiddleware",',
        "",
        ONE_LINE,
    ),
    by_project(
        SECRETS, LOGS, "request.path[:MAX_PATH_LENGTH]", "request.get_full_path()", ONE_LINE
    ),
    by_project(
        SECRETS, LOGS, "if match and SECRET_ARGUMENTS & match.kwargs.keys()", "if False", ERROR
    ),
    by_project(
        SECRETS,
        LOGS,
        '"django.request": {"level": "ERROR", "filters": [strip_query_string]},',
        '"django.request": {"level": "ERROR"},',
        ERROR,
    ),
    by_project(
        SECRETS,
        LOGS,
        '"django.security.csrf": {"filters": [strip_query_string]},',
        "",
        "paas/tests/test_logs.py::test_a_csrf_failure_is_logged_without_a_query_string",
    ),
    by_project(
        ADDRESS,
        "config/settings.py",
        '"paas.proxy_headers.ClientAddressMiddleware",',
        "",
        "paas/tests/test_production.py::test_the_client_s_ip_is_the_last_in_the_router_s_header",
    ),
    by_project(IDS, "paas/proxy_headers.py", r'r"[\w-]{20,128}"', r'r".{20,128}"', MADE_UP),
    by_project(IDS, "paas/proxy_headers.py", "{20,128}", "{1,128}", MADE_UP),
    by_project(IDS, "paas/proxy_headers.py", "{20,128}", "{20,}", MADE_UP),
    by_project(IDS, "paas/proxy_headers.py", "value, re.ASCII)", "value)", MADE_UP),
    by_project(
        FLOOD,
        LOGS,
        '            **{name: {"filters": [RateLimitFilter()]} for name in RATE_LIMITED_LOGGERS},\n',
        "",
        REPEATED,
    ),
    by_project(
        FLOOD,
        LOGS,
        '    "paas.limits",\n',
        "",
        "paas/tests/test_logs.py::test_refused_requests_log_one_line_per_interval",
    ),
    by_project(
        FLOOD,
        "paas/asgi/channel_layer.py",
        'logging.getLogger("channels_redis.pubsub").addFilter(RateLimitFilter())',
        "",
        "paas/tests/test_asgi.py::test_errors_of_a_channel_layer_without_redis_are_one_line_per_interval",
    ),
    by_project(
        FLOOD,
        "paas/servers/waitress.py",
        'logging.getLogger("waitress.queue").addFilter(RateLimitFilter())',
        "",
        "paas/tests/test_waitress_channel.py::test_requests_that_wait_for_a_thread_log_one_line_per_interval",
        answers=WAITRESS,
    ),
    by_project(FLOOD, LOGS, "record.args, record.exc_info = (), None", "pass", REPEATED),
    by_project(
        ERROR_PAGE,
        "pages/views.py",
        'getattr(request, "request_id", None)',
        "None",
        ERROR,
    ),
    by_project(
        SOCKETS,
        "paas/asgi/websockets.py",
        'with bound_contextvars(request_id=request_id(scope["handshake"])):',
        "with bound_contextvars():",
        "paas/tests/test_asgi.py::test_an_error_closes_the_websocket_and_is_logged_with_the_request_id",
    ),
    by_template(
        LINE,
        f"{PROJECT}/{REQUEST_LOG}",
        "queue_ms=request.queue_milliseconds",
        "queue_ms=None",
        "test_logs.py::test_the_line_says_how_long_the_request_waited_if_the_router_knows",
        answers=WSGI_GUNICORN,
    ),
    by_template(
        LINE,
        f"{PROJECT}/paas/servers/gunicorn.py",
        "access_log_enabled = False",
        "access_log_enabled = True",
        "test_logs.py::test_every_line_from_start_to_end_is_an_event",
        answers=WSGI_GUNICORN,
    ),
    by_template(
        SECRETS,
        f"{PROJECT}/paas/servers/gunicorn.py",
        '"filters": [strip_request]',
        '"filters": []',
        "test_logs.py::test_no_secret_is_logged",
        answers=WSGI_GUNICORN,
    ),
    by_template(
        SENTRY,
        f"{PROJECT}/paas/sentry.py",
        "before_send=strip_personal_data,",
        "",
        REPORTED,
        answers=WAITRESS,
    ),
    by_template(
        SENTRY,
        f"{PROJECT}/paas/sentry.py",
        "include_local_variables=False",
        "include_local_variables=True",
        REPORTED,
        answers=WAITRESS,
    ),
)
