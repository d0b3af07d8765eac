import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Names only: the table stays."""

    dependencies = [
        ("presence", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelTable("connection", "presence_connection"),
        migrations.RenameModel("Connection", "OpenWebSocket"),
        migrations.AlterField(
            "openwebsocket",
            "user",
            models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="open_websockets",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
    ]
