"""The call-backs of a user have an index that knows their ids as well."""


def migrate(cr, version):
    # In its place there is one that begins with the same column.
    cr.execute("DROP INDEX IF EXISTS pbx_promise__user_id_index")
