"""Django's ``makemessages``, without the texts of packages whose source is in ``vendor/``.

https://docs.djangoproject.com/en/stable/topics/i18n/translation/#customizing-the-makemessages-command
"""

from django.core.management.commands import makemessages


class Command(makemessages.Command):
    def handle(self, *args, **options):
        options["ignore_patterns"] = [*options["ignore_patterns"], "vendor"]
        super().handle(*args, **options)
