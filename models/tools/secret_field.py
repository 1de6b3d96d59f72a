from odoo import fields


class Secret(fields.Char):
    """A text that administrators enter and read, and that no export holds.

    An exported file is mailed, and lies about, for longer than anybody thinks of it.
    """

    exportable = False

    def convert_to_export(self, value, record):
        return ""
