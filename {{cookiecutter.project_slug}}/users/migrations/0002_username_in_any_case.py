import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0001_initial"),
    ]
    squawk_ignore = ["require-concurrent-index-creation"]  # the table is empty

    operations = [
        migrations.AddConstraint(
            model_name="user",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("username"),
                name="username_in_any_case",
                violation_error_message="A user with that username already exists.",
            ),
        ),
    ]
