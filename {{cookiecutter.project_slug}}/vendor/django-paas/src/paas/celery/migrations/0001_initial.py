from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="UnfinishedTask",
            fields=[
                ("task_id", models.CharField(max_length=255, primary_key=True, serialize=False)),
                ("losses", models.PositiveSmallIntegerField(default=0)),
                ("started_at", models.DateTimeField(auto_now=True)),
                ("name", models.CharField(max_length=255)),
                ("args", models.JSONField(default=list)),
                ("kwargs", models.JSONField(default=dict)),
                ("set_aside_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="PeriodicTask",
            fields=[
                ("name", models.TextField(primary_key=True, serialize=False)),
                ("last_run_at", models.DateTimeField()),
            ],
        ),
    ]
