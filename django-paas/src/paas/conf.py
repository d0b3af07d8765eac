"""The settings that this package reads, and their defaults. README.md says what each means.

``settings.NAME`` is the project's setting, or the default if the project has none.
"""

from typing import Any

from django.conf import settings as project

DEFAULTS: dict[str, Any] = {
    # Which platform and server: modules, by their dotted paths.
    "PLATFORM": "paas.platform",
    "SERVER": None,
    "DEPLOY_CHECKS": ["paas.checks"],
    "READINESS_PROBES": {"database": "paas.health.probe_database"},
    # Limits of each request.
    "WEB_THREADS": 4,
    "WEB_PROCESSES": 1,
    "MAX_BODY_SIZE": 10_000_000,
    "MAX_QUEUED_REQUESTS": 500,
    "SEND_TIMEOUT": 30,
    "TRUSTED_PROXIES": 0,
    # The database.
    "DATABASE_IS_POOLED": False,
    "DATABASE_CONNECTION_LIMIT": 20,
    "STATEMENT_TIMEOUT": 20,
    # Services.
    "REDIS_URL": "",
    "BUCKET": {},
    "SENTRY_DSN": "",
    "WORKER_CONCURRENCY": 2,
    # Pages.
    "PERMISSIONS_POLICY": {},
    "IS_PREVIEW": False,
}


class Settings:
    def __getattr__(self, name: str) -> Any:
        if name in DEFAULTS:
            return getattr(project, name, DEFAULTS[name])
        return getattr(project, name)


settings = Settings()
