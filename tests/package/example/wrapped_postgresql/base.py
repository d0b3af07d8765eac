"""A backend that wraps Django's, as packages for metrics have."""

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    pass
