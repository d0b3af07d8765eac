"""Mutants of "Going live misconfigured"."""

from scripts.mutants.row import PROJECT, WAITRESS, by_project, by_template

CHECKS = "paas/checks.py"
CONFIGURATION = "paas/tests/test_production.py::test_an_invalid_setting_is_one_deploy_error"

SECRET_KEY = "`SECRET_KEY` missing, short, guessable or the development one"
DEBUG = "`DEBUG` on"
DATABASE = "no database, or SQLite"
ENCRYPTION = "a database elsewhere without encryption"
REDIS = "no Redis, or a channel layer in memory"
SESSIONS = "sessions in a cache that processes do not share"
HOSTS = "`ALLOWED_HOSTS` empty, `*`, a whole `.com`, or no host name"
HTTPS = "HTTPS off: redirect, HSTS or a cookie"
CONNECTIONS = "more threads and processes than the plan has connections for"
NOT_UNDERSTOOD = "a variable that is not understood"
IMPORTABLE = "a server or an application that cannot be imported"
STARTS = "by the project's own tests: a server that does not start, or loses a request at SIGTERM"
LOCK_TIMEOUT = (
    "a migration that waits for a lock makes pages wait for 2 s, not for the query that holds it"
)
ONE_RELEASE = "two releases at once migrate once"
LONG_LOCKS = "a migration that locks a table for long is warned of"
MIGRATE = f"{PROJECT}/paas/management/commands/migrate.py"
LINT = f"{PROJECT}/paas/management/commands/lintmigrations.py"
DEPLOY_CHECKS = "whatever `check --deploy` warns of"

MUTANTS = (
    by_project(
        SECRET_KEY,
        CHECKS,
        'return deploy_error(1, "SECRET_KEY", "is not set.")',
        "return None",
        CONFIGURATION,
    ),
    by_project(SECRET_KEY, CHECKS, "len(secret_key) < 50 or ", "", CONFIGURATION),
    by_project(SECRET_KEY, CHECKS, "len(set(secret_key)) < 10 or ", "", CONFIGURATION),
    by_project(SECRET_KEY, CHECKS, ' or " " in secret_key', "", CONFIGURATION),
    by_project(
        SECRET_KEY, CHECKS, ' or secret_key.startswith("django-insecure-")', "", CONFIGURATION
    ),
    by_project(DEBUG, CHECKS, "    if settings.DEBUG:", "    if False:", CONFIGURATION),
    by_project(DEBUG, "paas/startup.py", ' and "PORT" not in os.environ', "", CONFIGURATION),
    by_project(
        DATABASE,
        CHECKS,
        '    if engine == "django.db.backends.dummy":\n'
        '        return deploy_error(3, "DATABASE_URL", "is not set.")\n'
        "    if engine != POSTGRESQL:",
        '    if engine not in ("django.db.backends.dummy", POSTGRESQL):',
        CONFIGURATION,
    ),
    by_project(DATABASE, CHECKS, "if engine != POSTGRESQL:", "if False:", CONFIGURATION),
    by_project(
        ENCRYPTION, CHECKS, '("disable", "allow", "prefer")', '("allow", "prefer")', CONFIGURATION
    ),
    by_project(ENCRYPTION, CHECKS, '"sslmode", "prefer"', '"sslmode", "require"', CONFIGURATION),
    by_project(
        REDIS,
        "paas/redis_checks.py",
        "    if not settings.REDIS_URL:",
        "    if settings.REDIS_URL is None:",
        "paas/tests/test_redis.py::test_an_invalid_redis_url_is_one_deploy_error",
    ),
    by_project(
        REDIS,
        "paas/asgi/checks.py",
        'layer.endswith("InMemoryChannelLayer")',
        "not layer",
        "paas/tests/test_asgi.py::test_an_in_memory_channel_layer_is_one_deploy_error",
    ),
    by_project(SESSIONS, CHECKS, '("LocMemCache", "DummyCache")', "()", CONFIGURATION),
    by_project(HOSTS, CHECKS, "if not settings.ALLOWED_HOSTS:", "if False:", CONFIGURATION),
    by_project(HOSTS, CHECKS, 'if "*" in settings.ALLOWED_HOSTS:', "if False:", CONFIGURATION),
    by_project(HOSTS, CHECKS, r"(\.[A-Za-z0-9-]+\.)?", r"\.?", CONFIGURATION),
    by_project(HOSTS, CHECKS, "if not HOST.fullmatch(host):", "if not host:", CONFIGURATION),
    by_project(HTTPS, CHECKS, '("SECURE_SSL_REDIRECT", ', "(", CONFIGURATION),
    by_project(HTTPS, CHECKS, ' "SECURE_HSTS_SECONDS", *cookies', " *cookies", CONFIGURATION),
    by_project(HTTPS, CHECKS, '("SESSION_COOKIE_SECURE", ', "(", CONFIGURATION),
    by_project(HTTPS, CHECKS, '", "CSRF_COOKIE_SECURE")', '",)', CONFIGURATION),
    by_project(
        CONNECTIONS,
        CHECKS,
        "connections = processes * (threads + len(EXTRA_CONNECTIONS))",
        "connections = 0",
        "paas/tests/test_production.py::test_more_threads_than_database_connections_are_a_deploy_error",
    ),
    by_project(
        CONNECTIONS,
        CHECKS,
        "connections = processes * (threads",
        "connections = (threads",
        "paas/tests/test_production.py::test_more_threads_than_database_connections_are_a_deploy_error",
    ),
    by_template(
        NOT_UNDERSTOOD,
        f"{PROJECT}/config/settings.py",
        "env.seal()\n",
        "",
        "test_misconfiguration.py"
        "::test_the_release_refuses_what_it_does_not_understand_in_a_sentence_each",
        answers=WAITRESS,
    ),
    by_template(
        LOCK_TIMEOUT,
        MIGRATE,
        """self.query(f"SET lock_timeout = '{self.lock_timeout}s'")""",
        "pass",
        "test_migrations.py"
        "::test_a_migration_behind_a_long_query_stalls_pages_only_with_django_s_migrate",
        "test_migrations.py::test_a_release_gives_up_in_one_sentence_that_names_the_transaction",
    ),
    by_template(
        LOCK_TIMEOUT,
        MIGRATE,
        " and migration.atomic:",
        ":",
        "test_migrations.py::test_an_index_that_is_built_concurrently_has_no_timeout",
    ),
    by_template(
        LOCK_TIMEOUT,
        MIGRATE,
        "if not isinstance(error.__cause__, LockNotAvailable):",
        "if True:",
        "test_migrations.py"
        "::test_a_migration_behind_a_long_query_stalls_pages_only_with_django_s_migrate",
        "test_migrations.py::test_a_release_gives_up_in_one_sentence_that_names_the_transaction",
    ),
    by_template(
        ONE_RELEASE,
        MIGRATE,
        "        self.wait_for_other_release()\n",
        "",
        "test_migrations.py::test_two_releases_at_once_migrate_once",
    ),
    by_template(
        LONG_LOCKS,
        LINT,
        "            files[str(path)] = migration\n",
        "",
        "test_migrations.py"
        "::test_a_migration_that_locks_a_table_is_warned_of_until_it_says_that_it_may",
    ),
    by_template(
        DEPLOY_CHECKS,
        "cookiecutter.json",
        "check --deploy --fail-level WARNING",
        "check --deploy",
        "test_misconfiguration.py::test_a_warning_of_the_deploy_checks_stops_the_release",
        answers="heroku-wsgi-waitress",
    ),
    by_template(
        IMPORTABLE,
        f"{PROJECT}/paas/checks.py",
        'return [Error(message, hint=hint, id="paas.E012")]',
        "return []",
        "test_misconfiguration.py"
        "::test_a_server_that_cannot_be_imported_stops_the_release_in_one_sentence",
        answers=WAITRESS,
    ),
    by_project(
        STARTS,
        "paas/servers/daphne.py",
        "    server_class = Server\n",
        "    server_class = server.Server\n",
        "paas/tests/test_procfile.py::test_the_web_command_serves_and_finishes_its_requests_after_sigterm",
    ),
)
