from django.db import migrations


def create_addresses(apps, schema_editor):
    """Accounts from before e-mail addresses were confirmed: theirs are not."""
    User = apps.get_model("users", "User")
    EmailAddress = apps.get_model("account", "EmailAddress")
    addresses = (
        EmailAddress(user_id=pk, email=email.lower(), primary=True, verified=False)
        for pk, email in User.objects.exclude(email="").values_list("pk", "email").iterator()
    )
    EmailAddress.objects.bulk_create(addresses, batch_size=1000, ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [
        ("account", "0009_emailaddress_unique_primary_email"),
        ("users", "0002_username_in_any_case"),
    ]

    operations = [
        migrations.RunPython(create_addresses, migrations.RunPython.noop),
    ]
