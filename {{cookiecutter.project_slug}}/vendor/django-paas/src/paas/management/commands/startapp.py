"""Django's ``startapp``, whose files pass ``make check`` and have URLs and a test.

https://docs.djangoproject.com/en/stable/ref/django-admin/#startapp
"""

from pathlib import Path

from django.core.management.commands import startapp

import paas

TEMPLATE = Path(paas.__file__).parent / "app_template"


class Command(startapp.Command):
    def handle(self, **options):
        options["template"] = options["template"] or str(TEMPLATE)
        super().handle(**options)
