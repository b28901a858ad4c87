"""The crisis check list; one open request for an exception; no booking without its referral."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

HAS_ITS_REFERRAL = """
-- A booking of a kind that needs a referral must have it when the transaction commits: a case
-- consultation (pseudonymous, so no client is booked), or a presentation with this client's consent.
-- The consent must not be revoked while the appointment is still to come.
CREATE FUNCTION consultations_check_booking(checked_booking bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- Whoever revokes the consent at this moment goes first, or waits.
    PERFORM 1
       FROM clients_consent consent
       JOIN consultations_referral referral ON referral.consent_id = consent.id
      WHERE referral.booking_id = checked_booking
        FOR SHARE OF consent;
    IF EXISTS (
        SELECT 1
          FROM scheduling_booking booking
          JOIN scheduling_slot slot ON slot.id = booking.slot_id
          JOIN scheduling_appointmentkind kind ON kind.id = slot.kind_id
         WHERE booking.id = checked_booking
           AND kind.needs_referral
           AND booking.status IN ('booked', 'arrived', 'fulfilled')
           AND NOT EXISTS (
               SELECT 1
                 FROM consultations_referral referral
                 LEFT JOIN clients_consent consent ON consent.id = referral.consent_id
                WHERE referral.booking_id = booking.id
                  AND (
                      (referral.format = 'case_consultation' AND booking.client_id IS NULL)
                      OR (
                          referral.format = 'presentation'
                          AND referral.client_id = booking.client_id
                          AND consent.client_id = booking.client_id
                          AND consent.purpose = 'consultation'
                          AND (booking.status <> 'booked' OR consent.revoked_at IS NULL)
                      )
                  )
           )
    ) THEN
        RAISE EXCEPTION 'booking % has no referral with consent', checked_booking
            USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_has_its_referral';
    END IF;
END $$;

CREATE FUNCTION consultations_booking_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM consultations_check_booking(NEW.id);
    RETURN NULL;
END $$;

CREATE FUNCTION consultations_referral_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM consultations_check_booking(OLD.booking_id);
    RETURN NULL;
END $$;

CREATE FUNCTION consultations_consent_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM consultations_check_booking(booking_id) FROM consultations_referral WHERE consent_id = NEW.id;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER booking_has_its_referral
    AFTER INSERT OR UPDATE OF status, slot_id, client_id ON scheduling_booking
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.status IN ('booked', 'arrived', 'fulfilled'))
    EXECUTE FUNCTION consultations_booking_changed();

CREATE CONSTRAINT TRIGGER referral_stays_with_its_booking
    AFTER UPDATE OF booking_id, consent_id, client_id, format OR DELETE ON consultations_referral
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.booking_id IS NOT NULL)
    EXECUTE FUNCTION consultations_referral_changed();

CREATE CONSTRAINT TRIGGER consent_stays_with_its_booking
    AFTER UPDATE OF revoked_at, client_id, purpose ON clients_consent
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW
    EXECUTE FUNCTION consultations_consent_changed();
"""

FORGET = """
DROP TRIGGER consent_stays_with_its_booking ON clients_consent;
DROP TRIGGER referral_stays_with_its_booking ON consultations_referral;
DROP TRIGGER booking_has_its_referral ON scheduling_booking;
DROP FUNCTION consultations_consent_changed();
DROP FUNCTION consultations_referral_changed();
DROP FUNCTION consultations_booking_changed();
DROP FUNCTION consultations_check_booking(bigint);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("clients", "0001_initial"),
        ("consultations", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CrisisStep",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "step",
                    models.CharField(
                        choices=[
                            ("emergency_call", "Notruf oder Krisendienst ist angerufen"),
                            ("not_alone", "Die Person ist nicht allein"),
                            ("team_told", "Vertretung und Teamleitung sind telefonisch informiert"),
                            ("child_protection", "Bei Sorge um ein Kind: Fachkraft nach § 8a ist beteiligt"),
                        ],
                        max_length=16,
                    ),
                ),
                ("taken_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["taken_at"],
            },
        ),
        migrations.AlterModelOptions(
            name="clarificationexception",
            options={"ordering": ["requested_at"]},
        ),
        migrations.AddConstraint(
            model_name="clarificationexception",
            constraint=models.UniqueConstraint(
                condition=models.Q(("decided_at__isnull", True)),
                fields=("client",),
                name="exception_one_open_per_client",
            ),
        ),
        migrations.AddField(
            model_name="crisisstep",
            name="referral",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="crisis_steps",
                to="consultations.referral",
            ),
        ),
        migrations.AddField(
            model_name="crisisstep",
            name="taken_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddConstraint(
            model_name="crisisstep",
            constraint=models.UniqueConstraint(fields=("referral", "step"), name="crisis_step_ticked_once"),
        ),
        migrations.RunSQL(HAS_ITS_REFERRAL, reverse_sql=FORGET),
    ]
