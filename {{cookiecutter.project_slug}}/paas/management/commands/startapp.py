from pathlib import Path

from django.core.management.commands import startapp

import paas


class Command(startapp.Command):
    """Django's ``startapp``, whose files pass `make check` as they are."""

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.set_defaults(template=str(Path(paas.__path__[0]) / "app_template"))
