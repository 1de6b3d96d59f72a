"""PostgreSQL learns how many groups it may expect of calls by time."""


def migrate(cr, version):
    # What the model says of the column counts from then on.
    cr.execute("ANALYZE pbx_call (start)")
