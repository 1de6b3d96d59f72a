"""Many contacts, made by the database itself: a million in a minute or so."""

# What ordinary contacts have, in the columns that look-ups read; the numbers are of a
# range that no benchmark calls.
FILL = """
INSERT INTO res_partner (
    name, complete_name, phone, phone_sanitized, active, type, lang, is_company,
    create_uid, write_uid, create_date, write_date)
SELECT 'Contact ' || n, 'Contact ' || n,
       '+44 7' || lpad((n %% 1000000000)::text, 9, '0'),
       '+447' || lpad((n %% 1000000000)::text, 9, '0'),
       true, 'contact', 'en_US', false, 1, 1,
       now() at time zone 'utc', now() at time zone 'utc'
  FROM generate_series(%s, %s) n
"""
# Every other contact has a lead, with its number.
FILL_LEADS = """
INSERT INTO crm_lead (
    name, type, active, partner_id, phone, phone_sanitized, stage_id, create_uid,
    write_uid, create_date, write_date)
SELECT 'Lead ' || id, 'opportunity', true, id, phone, phone_sanitized,
       (SELECT min(id) FROM crm_stage), 1, 1,
       now() at time zone 'utc', now() at time zone 'utc'
  FROM res_partner WHERE phone_sanitized LIKE '+447%%' ORDER BY id LIMIT %s
"""
# A contact is its own commercial entity.
ENTITY = (
    "UPDATE res_partner SET commercial_partner_id = id "
    "WHERE commercial_partner_id IS NULL"
)
# Serve the search box by parts of names and numbers, not callers; kept, they would take
# most of the time.
HEAVY_INDEXES = """
SELECT indexname, indexdef FROM pg_indexes
 WHERE tablename = 'res_partner' AND indexdef LIKE '%gin%'
"""


def fill_leads(sql, count):
    """Make so many leads, of contacts that :func:`fill` made."""
    sql(FILL_LEADS, [count])
    sql("VACUUM ANALYZE crm_lead", None)


def fill(sql, upto, searched):
    """Bring the contacts to ``upto``. ``sql(query, params)`` runs and commits.

    :param bool searched: parts of numbers are going to be searched.
    """
    [[there]] = sql("SELECT count(*) FROM res_partner", None)
    if upto <= there:
        return
    heavy = sql(HEAVY_INDEXES, None)
    for index, _definition in heavy:
        sql(f'DROP INDEX IF EXISTS "{index}"', None)
    sql(FILL, (there, upto - 1))
    sql(ENTITY, None)
    for _index, definition in heavy:
        if searched and "phone" in definition:
            sql(definition, None)
    sql("VACUUM ANALYZE res_partner", None)
