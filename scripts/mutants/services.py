"""Mutants of "Services, tasks and uploads"."""

from scripts.mutants.row import (
    ASGI_GUNICORN,
    CONFIGURED,
    PROJECT,
    WSGI_GUNICORN,
    by_project,
    by_template,
)

IMAGES = "pictures/images.py"
BUCKET = "paas/bucket.py"

DRAWN = "uploads are pictures, drawn anew without their metadata"
BOUNDED = (
    "none takes the site's time or memory: bytes, pixels and scans are bounded, "
    "and one is unpacked at a time"
)
PRIVATE = "they are private: links are signed, and pages load from that one host"
NO_BUCKET = "a bucket missing, or one that could not work, does not go live"
REFUSED = "tests/test_pictures.py::test_an_invalid_file_is_rejected_with_a_reason"
SIGNED = "paas/tests/test_bucket.py::test_urls_are_signed_and_have_the_bucket_in_the_host_name"
GOES_LIVE = "paas/tests/test_bucket.py::test_an_invalid_bucket_is_one_deploy_error"
TIMEOUT = (
    "a query of a web process that takes too long is ended, with status 503 and a log line that "
    "names its view"
)
POOL = "through a connection pool nothing is lost, and releases go past it"
SHORTAGE = "a shortage of database connections is in the log before they run out"
NEW_KEY = "a new `SECRET_KEY` logs no one out, nor does a WebSocket that reconnects"
WEB_TIMEOUT = "paas/tests/test_timeouts.py::test_web_processes_have_a_timeout"
NO_LIMIT = "releases, other commands and tasks have no statement timeout"
CLEARED = "expired sessions are deleted: at a release, or with Celery every night"
LOADED = "settings.DEBUG  # noqa: B018 (the first access loads the settings)"
TLS = "Redis over TLS, verified where the platform has a certificate to verify"

MUTANTS = (
    by_project(
        DRAWN,
        IMAGES,
        '.save(encoded, "WEBP", quality=85)',
        '.save(encoded, "WEBP", quality=85, exif=image.getexif())',
        "tests/test_pictures.py::test_a_picture_is_upright_and_has_no_metadata",
    ),
    by_project(DRAWN, IMAGES, '"GIF": 8}', '"GIF": 8, "BMP": 8}', REFUSED),
    by_project(
        BOUNDED, IMAGES, "if upload.size > MAX_MEGABYTES * 1_000_000:", "if False:", REFUSED
    ),
    by_project(
        BOUNDED,
        IMAGES,
        "if image.width * image.height <= limit * 1_000_000:",
        "if True:",
        REFUSED,
    ),
    by_project(BOUNDED, IMAGES, "if count_scans(upload) > MAX_SCANS:", "if False:", REFUSED),
    by_project(
        BOUNDED,
        IMAGES,
        "DECODE_LOCK = threading.Lock()",
        "DECODE_LOCK = threading.Semaphore(9)",
        "tests/test_pictures.py::test_an_upload_is_rejected_while_others_are_decoded",
    ),
    by_project(PRIVATE, BUCKET, "querystring_auth = True", "querystring_auth = False", SIGNED),
    by_project(PRIVATE, BUCKET, "querystring_expire = 3600", "querystring_expire = 36000", SIGNED),
    by_project(
        PRIVATE, BUCKET, '"addressing_style": "virtual"', '"addressing_style": "path"', SIGNED
    ),
    by_template(
        PRIVATE,
        f"{PROJECT}/{BUCKET}",
        "default_acl = None",
        'default_acl = "public-read"',
        "test_uploads.py::test_a_picture_is_for_no_one_who_has_no_signed_link",
        answers=WSGI_GUNICORN,
    ),
    by_project(
        NO_BUCKET, "paas/bucket_checks.py", "if not settings.BUCKET[key]:", "if False:", GOES_LIVE
    ),
    by_project(
        NO_BUCKET,
        "paas/bucket_checks.py",
        "if not re.fullmatch(pattern, settings.BUCKET[key]):",
        "if False:",
        GOES_LIVE,
    ),
    by_template(
        PRIVATE,
        f"{PROJECT}/config/settings.py",
        """f"https://{BUCKET['bucket_name']}.{bucket_host}"]""",
        '"https:"]',
        "test_uploads.py"
        "::test_a_picture_comes_back_by_its_signed_link_and_a_new_one_takes_its_place",
        answers=WSGI_GUNICORN,
    ),
    by_template(
        TLS,
        f"{PROJECT}/config/settings.py",
        '"ssl_cert_reqs=required"',
        '"ssl_cert_reqs=none"',
        "test_redis.py::test_digitalocean_refuses_a_self_signed_certificate",
        answers=ASGI_GUNICORN,
    ),
    by_project(
        TIMEOUT,
        "paas/startup.py",
        "if is_direct and settings.STATEMENT_TIMEOUT:",
        "if False:",
        WEB_TIMEOUT,
    ),
    by_project(
        TIMEOUT,
        "paas/timeouts.py",
        "if not is_timeout:",
        "if True:",
        "paas/tests/test_timeouts.py::test_a_query_that_was_ended_is_a_503_and_its_view_is_logged",
    ),
    by_template(
        TIMEOUT,
        f"{PROJECT}/config/settings.py",
        '    "paas.timeouts.StatementTimeoutMiddleware",\n',
        "",
        "test_statement_timeout.py::test_a_runaway_query_is_a_503_and_a_log_line_names_its_view",
    ),
    # As if every process that loads the settings had the limit.
    by_template(
        NO_LIMIT,
        f"{PROJECT}/paas/startup.py",
        LOADED,
        "limit_statements()",
        "test_statement_timeout.py::test_commands_have_no_limit",
        "test_statement_timeout.py::test_tasks_have_no_limit",
        answers=WSGI_GUNICORN,
    ),
    by_template(
        NO_LIMIT,
        f"{PROJECT}/paas/startup.py",
        LOADED,
        "limit_statements()",
        "test_migrations.py::test_two_releases_at_once_migrate_once",
    ),
    by_project(
        POOL,
        "paas/startup.py",
        " and not settings.DIRECT_DATABASE",
        "",
        "paas/tests/test_timeouts.py"
        "::test_a_timeout_may_be_off_or_in_the_url_and_a_pool_takes_none",
    ),
    by_project(
        POOL,
        "paas/database_url.py",
        'direct.setdefault("OPTIONS", {}).setdefault("options", "-c statement_timeout=0")',
        "pass",
        "paas/tests/test_database_url.py"
        "::test_a_pool_has_no_cursors_of_the_server_and_a_direct_connection_beside_it",
    ),
    by_project(
        POOL,
        "paas/database_url.py",
        'default["DISABLE_SERVER_SIDE_CURSORS"] = True',
        "pass",
        "paas/tests/test_database_url.py"
        "::test_a_pool_has_no_cursors_of_the_server_and_a_direct_connection_beside_it",
    ),
    by_template(
        POOL,
        f"{PROJECT}/paas/startup.py",
        "if settings.DIRECT_DATABASE:",
        "if False:",
        "test_connection_pool.py::test_a_release_does_without_the_pool",
    ),
    by_project(
        SHORTAGE,
        "paas/connections.py",
        "WARNING_SHARE = 0.8",
        "WARNING_SHARE = 0.9",
        "paas/tests/test_connections.py::test_four_fifths_of_the_limit_are_a_warning",
    ),
    by_project(
        SHORTAGE,
        "paas/connections.py",
        'LAST_WARNING["at"] = time.monotonic()',
        "pass",
        "paas/tests/test_connections.py::test_a_probe_logs_only_a_shortage_and_not_each_time",
    ),
    by_template(
        SHORTAGE,
        f"{PROJECT}/paas/startup.py",
        "        start_logging()\n",
        "        assert start_logging\n",
        "test_statement_timeout.py::test_a_runaway_query_is_a_503_and_a_log_line_names_its_view",
    ),
    by_template(
        CLEARED,
        "cookiecutter.json",
        " && python manage.py clearsessions",
        "",
        "test_migrations.py::test_a_release_deletes_expired_sessions",
    ),
    by_template(
        CLEARED,
        f"{PROJECT}/paas/tasks.py",
        'call_command("clearsessions")',
        "assert call_command",
        "test_periodic_tasks.py"
        "::test_a_task_that_was_due_while_no_worker_ran_runs_once_when_one_starts",
        answers=WSGI_GUNICORN,
    ),
    by_template(
        NEW_KEY,
        f"{PROJECT}/config/settings.py",
        'env.list("SECRET_KEY_FALLBACKS", [], subcast=str)',
        "[]",
        CONFIGURED,
    ),
    by_project(
        NEW_KEY,
        "paas/asgi/websockets.py",
        "if settings.SECRET_KEY_FALLBACKS:",
        "if False:",
        "paas/tests/test_consumers.py::test_a_new_secret_key_refuses_no_socket_and_ends_no_session",
    ),
)

WITHOUT_MUTANT = {
    "several instances lose nothing in a deployment, and agree on who is online and locked out": (
        "what they share, and how each ends, have rows of their own"
    ),
}
