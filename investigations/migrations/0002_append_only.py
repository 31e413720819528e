"""The database itself refuses to change or remove an audit event."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION reconsoc_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON investigations_auditevent
    FOR EACH ROW EXECUTE FUNCTION reconsoc_append_only();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON investigations_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION reconsoc_append_only();
"""
BACKWARD = """
DROP TRIGGER append_only_table ON investigations_auditevent;
DROP TRIGGER append_only_rows ON investigations_auditevent;
DROP FUNCTION reconsoc_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("investigations", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
