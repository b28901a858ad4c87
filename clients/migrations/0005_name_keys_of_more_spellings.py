"""The keys of names know more spellings: those of the cases entered so far are made anew."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from clients import name_keys


def make_anew(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Of all cases."""
    clients = apps.get_model("clients", "Client").objects.all()
    for client in clients.only("given_name", "family_name").iterator(chunk_size=500):
        keys = name_keys.keys(client.given_name, client.family_name)
        clients.filter(pk=client.pk).update(name_keys=keys)


class Migration(migrations.Migration):
    dependencies = [
        ("clients", "0004_languages_are_data"),
    ]

    operations = [
        migrations.RunPython(make_anew, migrations.RunPython.noop),
    ]
