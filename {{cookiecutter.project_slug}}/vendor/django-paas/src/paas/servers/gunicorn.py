"""What gunicorn.conf.py needs: logs, start-up, and the check of its worker class."""

from runpy import run_path

from django.utils.module_loading import import_string
from gunicorn.glogging import Logger

from paas import logs
from paas.conf import settings
from paas.startup import setup


class QuietLogger(Logger):
    """Without access logs, even with ``--access-logfile -``: paas/request_log.py logs requests."""

    access_log_enabled = False


def strip_request(record) -> bool:
    """Filter: log no query string, and nothing of a request that is not valid HTTP."""
    message, invalid = record.getMessage(), "Invalid request"
    record.msg = invalid if message.startswith(invalid) else message.partition("?")[0]
    record.args = ()
    return True


def log_configuration() -> dict:
    configuration = logs.configuration("INFO")
    configuration["loggers"]["gunicorn.error"] = {
        "handlers": [],
        "propagate": True,
        "filters": [strip_request],
    }
    return configuration


def on_starting(server) -> None:
    """Called before workers start. setup() exits here once; Gunicorn restarts workers that exit."""
    setup(is_serving=False)


def check() -> None:
    """Raise if the worker class of gunicorn.conf.py or the application cannot be imported."""
    worker_class = run_path(f"{settings.BASE_DIR}/gunicorn.conf.py")["worker_class"]
    if "." in worker_class:  # and not one of Gunicorn's own, such as "gthread"
        import_string(worker_class)
    import_string(settings.WSGI_APPLICATION)
