"""Django's ``startapp``, whose files pass ``make check`` and have URLs and a test.

https://docs.djangoproject.com/en/stable/ref/django-admin/#startapp
"""

from pathlib import Path

from django.core.management.commands import startapp

import paas

TEMPLATE = Path(paas.__file__).parent / "app_template"


class Command(startapp.Command):
    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.set_defaults(template=str(TEMPLATE))
