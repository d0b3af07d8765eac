"""A plugin of pytest: our scheduler in the place of the one that the tests of Celery's beat import."""

import django
from celery import beat
from django.conf import settings
from django.core.management import call_command

DATABASE = {"ENGINE": "django.db.backends.sqlite3", "NAME": "file:beat?mode=memory&cache=shared"}
settings.configure(INSTALLED_APPS=["paas.celery"], DATABASES={"default": DATABASE})
django.setup()
call_command("migrate", verbosity=0)
# Imported here, as it needs the settings.
from paas.celery.periodic import OnceScheduler

beat.Scheduler = OnceScheduler
