"""A small site for the tests of django-paas: ``SERVER`` in the environment names its server."""

from example.celery import app as celery_app

__all__ = ["celery_app"]
