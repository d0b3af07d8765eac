"""The settings of Celery, and what a worker does at its start."""

import runpy

import pytest
from celery import signals

from paas.celery import config


def test_a_longer_time_limit_of_tasks_is_one_setting(settings):
    settings.TASK_TIME_LIMIT = 3600
    read = runpy.run_path(config.__file__)
    assert (read["task_soft_time_limit"], read["task_time_limit"]) == (2880, 3600)
    assert read["broker_transport_options"]["visibility_timeout"] == 4200


def test_a_misconfigured_worker_does_not_start(configure, capsys):
    configure(SECRET_KEY="")
    with pytest.raises(SystemExit):
        signals.worker_init.send(None)
    assert "SECRET_KEY is not set." in capsys.readouterr().err
