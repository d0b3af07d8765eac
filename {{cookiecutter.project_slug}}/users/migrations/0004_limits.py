from django.core.management import call_command
from django.db import migrations


def create_table(apps, schema_editor):
    """The table of the cache "limits": https://docs.djangoproject.com/en/6.1/topics/cache/."""
    call_command("createcachetable", "users_limits", database=schema_editor.connection.alias)


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0003_email_addresses"),
    ]

    operations = [
        migrations.RunPython(create_table, migrations.RunPython.noop),
    ]
