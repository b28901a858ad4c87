"""A client is on a course once, and the dates of a course are booked by nobody."""

from django.conf import settings
from django.db import migrations, models

NOT_BOOKED = """
CREATE FUNCTION scheduling_check_lesson() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM scheduling_slot WHERE id = NEW.slot_id AND format = 'lesson') THEN
        RAISE EXCEPTION 'slot % is a lesson', NEW.slot_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_not_of_a_lesson';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER booking_not_of_a_lesson BEFORE INSERT OR UPDATE OF slot_id ON scheduling_booking
    FOR EACH ROW EXECUTE FUNCTION scheduling_check_lesson();
"""
FORGET = """
DROP TRIGGER booking_not_of_a_lesson ON scheduling_booking;
DROP FUNCTION scheduling_check_lesson();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_course_staff"),
        ("clients", "0002_client_paused_at"),
        ("scheduling", "0006_move_reason"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="booking",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("client__isnull", False),
                    ("during__isempty", True),
                    models.Q(("status", "cancelled"), _negated=True),
                ),
                fields=("slot", "client"),
                name="booking_once_on_a_course",
            ),
        ),
        migrations.RunSQL(NOT_BOOKED, reverse_sql=FORGET),
    ]
