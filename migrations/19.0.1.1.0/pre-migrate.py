from odoo.tools import sql


def migrate(cr, version):
    """How the PBX calls a line or an extension has a name that says so."""
    for table in ("pbx_line", "pbx_extension"):
        if sql.column_exists(cr, table, "name_told"):
            sql.rename_column(cr, table, "name_told", "pbx_name")
