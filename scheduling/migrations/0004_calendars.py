"""What there was before calendars goes into one of the district's own."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def give_calendars(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """One calendar a district, for the sessions that are there."""
    calendar = apps.get_model("scheduling", "Calendar")
    tables = [apps.get_model("scheduling", name) for name in ("Series", "Session", "Slot")]
    districts = {pk for table in tables for pk in table.objects.values_list("district", flat=True).distinct()}
    for pk in sorted(districts):
        own, _ = calendar.objects.get_or_create(
            district_id=pk, organisation=None, defaults={"name": "Traumasprechstunde"}
        )
        for table in tables:
            table.objects.filter(district=pk, calendar=None).update(calendar=own)


def set_room(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Slots that are full now have no room; all others begin with room."""
    schema_editor.execute(
        "UPDATE scheduling_slot s SET has_room = false WHERE capacity <= (SELECT count(*)"
        " FROM scheduling_booking b WHERE b.slot_id = s.id AND b.status <> 'cancelled')"
    )


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0003_more_than_the_consultation")]

    operations = [
        migrations.RunPython(give_calendars, migrations.RunPython.noop),
        migrations.RunPython(set_room, migrations.RunPython.noop),
    ]
