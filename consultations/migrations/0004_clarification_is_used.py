"""When each field of a referral was written; no presentation took place without using the clarification."""

from django.db import migrations, models

IS_USED = """
-- A presentation that took place has used the client's clarification when the transaction commits.
CREATE FUNCTION consultations_check_clarification(checked_booking bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1
          FROM scheduling_booking booking
          JOIN consultations_referral referral ON referral.booking_id = booking.id
         WHERE booking.id = checked_booking
           AND booking.status = 'fulfilled'
           AND referral.format = 'presentation'
           AND NOT EXISTS (
               SELECT 1
                 FROM consultations_clarification used
                WHERE used.referral_id = referral.id AND used.client_id = referral.client_id
           )
    ) THEN
        RAISE EXCEPTION 'booking % took place without using a clarification', checked_booking
            USING ERRCODE = 'check_violation', CONSTRAINT = 'clarification_is_used';
    END IF;
END $$;

CREATE FUNCTION consultations_booking_fulfilled() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM consultations_check_clarification(NEW.id);
    RETURN NULL;
END $$;

CREATE FUNCTION consultations_clarification_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM consultations_check_clarification(booking_id)
       FROM consultations_referral WHERE id = OLD.referral_id;
    RETURN NULL;
END $$;

CREATE FUNCTION consultations_referral_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM consultations_check_clarification(NEW.booking_id);
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER fulfilled_uses_the_clarification
    AFTER INSERT OR UPDATE OF status ON scheduling_booking
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.status = 'fulfilled')
    EXECUTE FUNCTION consultations_booking_fulfilled();

CREATE CONSTRAINT TRIGGER clarification_stays_used
    AFTER UPDATE OF client_id, referral_id OR DELETE ON consultations_clarification
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW
    EXECUTE FUNCTION consultations_clarification_changed();

CREATE CONSTRAINT TRIGGER referral_keeps_its_clarification
    AFTER INSERT OR UPDATE OF booking_id, client_id, format ON consultations_referral
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.booking_id IS NOT NULL)
    EXECUTE FUNCTION consultations_referral_moved();
"""

FORGET = """
DROP TRIGGER referral_keeps_its_clarification ON consultations_referral;
DROP TRIGGER clarification_stays_used ON consultations_clarification;
DROP TRIGGER fulfilled_uses_the_clarification ON scheduling_booking;
DROP FUNCTION consultations_referral_moved();
DROP FUNCTION consultations_clarification_changed();
DROP FUNCTION consultations_booking_fulfilled();
DROP FUNCTION consultations_check_clarification(bigint);
"""


class Migration(migrations.Migration):
    dependencies = [("consultations", "0003_released_stays"), ("scheduling", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="referral",
            name="revisions",
            field=models.JSONField(
                default=dict, editable=False, help_text="field → revision it was written in"
            ),
        ),
        migrations.RunSQL(IS_USED, FORGET),
    ]
