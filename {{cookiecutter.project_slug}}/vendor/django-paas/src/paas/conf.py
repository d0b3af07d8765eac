"""The settings that this package reads, and their defaults. README.md says what each means.

``settings.NAME`` is the project's setting, or the default if the project has none.
"""

from typing import Any

from django.conf import settings as project

DEFAULTS: dict[str, Any] = {
    # Modules, by their dotted paths.
    "PLATFORM": "paas.platforms.none",
    "DEPLOY_CHECKS": [],
    "READINESS_PROBES": {"database": "paas.site.health.probe_database"},
    # Limits of each request.
    "WEB_THREADS": 4,
    "ASYNC_CONNECTIONS": 3,
    "WEB_PROCESSES": 1,
    "MAX_BODY_SIZE": 10_000_000,
    "MAX_QUEUED_REQUESTS": 500,
    "TRUSTED_PROXIES": 0,
    # The database.
    "DATABASE_IS_POOLED": False,
    "DATABASE_POOL_SIZE": 0,
    "DATABASE_CONNECTION_LIMIT": 20,
    "STATEMENT_TIMEOUT": 20,
    # Services.
    "REDIS_URL": "",
    "BUCKET": {},
    "SENTRY_DSN": "",
    "WORKER_CONCURRENCY": 2,
    "TASK_TIME_LIMIT": 300,
    # Accounts.
    "SIGN_UP": "open",
    "STAFF_NEEDS_SECOND_FACTOR": False,
    "SEND_MAIL": "",
    "LOCKOUT_USER_AND_IP_LIMIT": 5,
    "LOCKOUT_IP_LIMIT": 50,
    "LOCKOUT_USER_LIMIT": 100,
    "LOCKOUT_KNOWN_IP_DAYS": 30,
    # Pages.
    "SITE_NAME": "",
    "SITE_DESCRIPTION": "",
    "SECURITY_CONTACT": "",
    "PERMISSIONS_POLICY": {},
    "CSP_BY_PATH": {},
    "IS_PREVIEW": False,
}


class Settings:
    def __getattr__(self, name: str) -> Any:
        if name in DEFAULTS:
            return getattr(project, name, DEFAULTS[name])
        return getattr(project, name)


settings = Settings()
