"""A small site for the tests of django-paas: ``SITE_SERVER`` in the environment is one of SERVERS of test_server.py."""

from example.celery import app as celery_app

__all__ = ["celery_app"]
