import unicodedata

from odoo import fields
from odoo.exceptions import AccessError


class Secret(fields.Char):
    """A text that administrators enter and read, and that nothing else gives away.

    No export holds it: an exported file is mailed, and lies about, for longer than
    anybody thinks of it. No search compares it: whoever may ask "does it begin with x?"
    has read it soon. Models with such a field inherit ``pbx.secrets``.
    """

    exportable = False
    _description_searchable = False

    def _description_sortable(self, _env):
        return False

    def _description_groupable(self, _env):
        return False

    def convert_to_export(self, value, record):
        return ""

    def condition_to_sql(self, field_expr, operator, value, model, alias, query):
        self.refuse_search(model.env)
        return super().condition_to_sql(
            field_expr, operator, value, model, alias, query
        )

    def refuse_search(self, env):
        """Refuse to compare or order by it, to everybody but our own code.

        :raises AccessError: unless ``env`` has the system's rights.
        """
        if not env.su:
            raise AccessError(
                env._("A secret is neither searched, nor sorted or grouped by.")
            )


def without_blanks(text):
    """Return what was pasted without what nobody sees.

    Blanks of every kind at both ends, and anywhere what has no width or controls:
    zero-width spaces, line breaks, marks of direction.

    :param text: a text, or anything else, which stays as it is.
    """
    if not isinstance(text, str):
        return text
    seen = "".join(c for c in text if unicodedata.category(c) not in INVISIBLE)
    return seen.strip()


# Controls, and what has no width; "\N{NO-BREAK SPACE}" and the like are spaces.
INVISIBLE = frozenset(("Cc", "Cf"))
