"""A small site for the tests of django-paas.

Its server is that of the environment's SITE_SERVER: asgi-uvicorn (the default), asgi-daphne,
wsgi-gunicorn or wsgi-waitress.
"""

from example.celery import app as celery_app

__all__ = ["celery_app"]
