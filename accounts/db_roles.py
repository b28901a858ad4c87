"""What the application's database role may do: all it needs, and to the audit trail nothing but add."""

from django.conf import settings
from django.db import connection

APPEND_ONLY_TABLES = ("accounts_auditevent", "accounts_auditseal")


def grant_app_role() -> None:
    """Give the application role its rights on all tables; run by the owner after every migration.

    Does nothing where the role does not exist or the connection is already the application's.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user = %s, EXISTS (SELECT 1 FROM pg_roles WHERE rolname = %s)",
            [settings.APP_DB_ROLE, settings.APP_DB_ROLE],
        )
        is_app, exists = cursor.fetchone()
        if is_app or not exists:
            return
        role = connection.ops.quote_name(settings.APP_DB_ROLE)
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
        cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}")
        cursor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}")
        for table in APPEND_ONLY_TABLES:
            cursor.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {role}")
        cursor.execute(f"REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {role}")
