"""A released recommendation never changes: refused in the database, whatever the code does.

The application's role can neither change, delete nor extend what was released. The owner's role may
reseal a sentence under a new key (key rotation changes no other column), and may delete only after
`SET LOCAL sprechstunde.erasure = 'on'` (lawful erasure, said on purpose).
"""

from django.db import migrations

KEEP = """
CREATE FUNCTION consultations_released_stays() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owner name := (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID);
BEGIN
    IF current_user = owner THEN
        IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - 'sentence' = to_jsonb(OLD) - 'sentence' THEN
            RETURN NEW;
        END IF;
        IF TG_OP = 'DELETE' AND current_setting('sprechstunde.erasure', true) = 'on' THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'what was released never changes (% of %)', lower(TG_OP), TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'released_stays';
END $$;

CREATE TRIGGER sheet_version_stays BEFORE UPDATE OR DELETE ON consultations_sheetversion
    FOR EACH ROW EXECUTE FUNCTION consultations_released_stays();
CREATE TRIGGER recommendation_item_stays BEFORE UPDATE OR DELETE ON consultations_recommendationitem
    FOR EACH ROW EXECUTE FUNCTION consultations_released_stays();

CREATE FUNCTION consultations_item_belongs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.number BETWEEN 1 AND
            (SELECT item_count FROM consultations_sheetversion WHERE id = NEW.version_id) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the version was released without an item of this number'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'released_stays';
END $$;

CREATE TRIGGER recommendation_item_belongs BEFORE INSERT ON consultations_recommendationitem
    FOR EACH ROW EXECUTE FUNCTION consultations_item_belongs();
"""

LET_GO = """
DROP TRIGGER recommendation_item_belongs ON consultations_recommendationitem;
DROP TRIGGER recommendation_item_stays ON consultations_recommendationitem;
DROP TRIGGER sheet_version_stays ON consultations_sheetversion;
DROP FUNCTION consultations_item_belongs();
DROP FUNCTION consultations_released_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("consultations", "0002_referral_rules")]

    operations = [migrations.RunSQL(KEEP, LET_GO)]
