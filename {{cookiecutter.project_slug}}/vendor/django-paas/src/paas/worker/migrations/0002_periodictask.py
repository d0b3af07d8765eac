from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("paas", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="PeriodicTask",
            fields=[
                ("name", models.CharField(max_length=255, primary_key=True, serialize=False)),
                ("last_run_at", models.DateTimeField()),
            ],
        ),
    ]
