"""Celery: tasks that survive deployments, and periodic tasks that run once.

=================  =============================================================================
``config.py``      Celery's settings: ``app.config_from_object("paas.celery.config")``
``queue.py``       drops a message in Redis that is no task
``lost_tasks.py``  sets aside a task that ends its worker again and again
``periodic.py``    each periodic task once, however many workers run ``--beat``
``tasks.py``       mail, and expired sessions
``backend.py``     Django's tasks
``log.py``         the request's id in the log lines of its tasks
=================  =============================================================================
"""
