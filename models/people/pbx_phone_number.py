"""The numbers of contacts and leads by which ``phone_sanitized`` does not find them."""

from odoo import api, fields, models
from odoo.tools import SQL

from ...telephony import number_keys

# Which of the two columns names the owner.
OWNERS = {"res.partner": "partner_id", "crm.lead": "lead_id"}


def phone_triggers(model):
    """Return the fields on which the numbers of a contact or lead depend.

    Which fields hold numbers, and in which country these are read, Odoo decides; a
    contact without a country is read in that of its company.
    """
    partners = [name for name in model._mail_get_partner_fields() if name in model]
    if model._name == "res.partner":
        companies = ["commercial_partner_id.country_id"]
    else:
        companies = [
            f"{name}.{country}"
            for name in partners
            for country in ("country_id", "commercial_partner_id.country_id")
        ]
    own = model._phone_get_sanitize_triggers()
    return list(dict.fromkeys(("phone_sanitized", *own, *companies)))


def phone_columns(model):
    """Return the stored fields that hold phone numbers, as Odoo decides."""
    return [
        name
        for name in model._phone_get_number_fields()
        if name in model._fields and model._fields[name].store
    ]


def with_phone(records):
    """Return those of ``records`` in whose phone fields there is anything."""
    names = phone_columns(records)
    return records.filtered(lambda one: any(one[name] for name in names))


class PbxPhoneNumber(models.Model):
    """One number more of a contact or lead, as look-ups want it.

    Odoo keeps one number of each, ``phone_sanitized``, if it is valid in its country.
    Here is what is not that one: the second number of a text, further phone fields,
    what no plan knows, what nothing says how to read. Most contacts have no row.

    The rows follow what is written: they are computed, as ``phone_sanitized`` is, when
    Odoo flushes. Nobody has rights on them: SQL alone writes and reads them.
    """

    _name = "pbx.phone.number"
    _description = "Phone numbers of contacts and leads"
    _log_access = False

    number = fields.Char(help="E.164, in the numbering plan of today.")
    kind = fields.Selection(
        [
            ("certain", "Read in its country"),
            ("possible", "One of several readings"),
            ("stem", "Main number, without the digits dialled after it"),
            ("national", "Typed without a country"),
        ],
        required=True,
    )
    tail = fields.Char(help="Last digits, where no country says how to read it.")
    typed = fields.Char(help="What has to be read in the country of who is called.")
    partner_id = fields.Many2one(
        "res.partner", ondelete="cascade", index="btree_not_null"
    )
    lead_id = fields.Many2one("crm.lead", ondelete="cascade", index="btree_not_null")

    _number_idx = models.Index("(number) WHERE number IS NOT NULL")
    _stem_idx = models.Index("(number) WHERE kind = 'stem'")
    _tail_idx = models.Index("(tail) WHERE tail IS NOT NULL")

    # ----------------------------------------------------------------- contacts, leads

    @api.model
    def _index(self, records):
        """Make the rows of contacts or of leads what their phone fields say.

        :return: the records whose rows were others.
        """
        records = records.filtered("id")
        wanted = self._keys(records)
        known = self._known_keys(records)
        changed = [id_ for id_ in records.ids if wanted[id_] != known.get(id_, set())]
        if changed:
            self._replace(records._name, changed, wanted)
            records.invalidate_recordset(["pbx_number_ids"], flush=False)
        return records.browse(changed)

    @api.model
    def _numbers_changed(self, records):
        """Follow a change of what is typed, or of where it is read."""
        self._index(records)
        self.env["pbx.rematch"]._request(with_phone(records.filtered("id")))

    def _keys(self, records):
        """Return ``{id: {Key}}`` of what the phone fields of ``records`` say.

        Without the number that Odoo itself has read.
        """
        names = phone_columns(records)
        countries = self._countries(records)
        keys = {}
        for record in records:
            found = {
                key
                for name in names
                if record[name]
                for key in number_keys.keys_of(record[name], countries[record.id])
            }
            sanitized = record.phone_sanitized
            keys[record.id] = {
                key
                for key in found
                if (key.kind, key.number) != (number_keys.CERTAIN, sanitized)
            }
        return keys

    @api.model
    def _countries(self, records):
        """Return ``{id: code}`` of the countries in which numbers of records are read.

        ``""`` where nobody knows: the company's is used that is called.
        """
        own = records._phone_get_country()
        codes = {}
        for record in records:
            country = own.get(record.id)
            if not country and record._name in OWNERS:
                is_partner = record._name == "res.partner"
                partner = record if is_partner else record.partner_id
                country = partner.commercial_partner_id.country_id
            codes[record.id] = (country and country.code) or ""
        return codes

    def _known_keys(self, records):
        """Return ``{id: {Key}}`` of the rows that are there."""
        owner = SQL.identifier(OWNERS[records._name])
        known = {}
        for id_, *key in self.env.execute_query(
            SQL(
                """SELECT %(owner)s, kind, coalesce(number, ''), coalesce(tail, ''),
                          coalesce(typed, '')
                     FROM pbx_phone_number WHERE %(owner)s = ANY(%(ids)s)""",
                owner=owner,
                ids=records.ids,
            )
        ):
            known.setdefault(id_, set()).add(number_keys.Key(*key))
        return known

    def _replace(self, model, ids, keys):
        """Write ``keys`` of these contacts or leads, in one statement."""
        rows = [(id_, *key) for id_ in ids for key in sorted(keys[id_])]
        owners, kinds, numbers, tails, typed = (
            map(list, zip(*rows, strict=True)) if rows else ([],) * 5
        )
        self.env.cr.execute(
            SQL(
                """
                WITH gone AS (
                     DELETE FROM pbx_phone_number WHERE %(owner)s = ANY(%(ids)s))
                INSERT INTO pbx_phone_number (%(owner)s, kind, number, tail, typed)
                SELECT new.owner, new.kind, nullif(new.number, ''),
                       nullif(new.tail, ''), nullif(new.typed, '')
                  FROM unnest(%(owners)s::integer[], %(kinds)s::text[],
                              %(numbers)s::text[], %(tails)s::text[],
                              %(typed)s::text[])
                       AS new(owner, kind, number, tail, typed)
                  JOIN %(table)s record ON record.id = new.owner
                """,
                owner=SQL.identifier(OWNERS[model]),
                ids=ids,
                owners=owners,
                kinds=kinds,
                numbers=numbers,
                tails=tails,
                typed=typed,
                table=SQL.identifier(self.env[model]._table),
            )
        )

    @api.model
    def _others_with_numbers_of(self, partners):
        """Return a few of the contacts that share a number with ``partners``."""
        partners.flush_model(["pbx_number_ids", "phone_sanitized"])
        found = self.env.execute_query(
            SQL(
                """
                WITH own AS MATERIALIZED (
                     SELECT number, tail FROM pbx_phone_number
                      WHERE partner_id = ANY(%(ids)s)
                      UNION
                     SELECT phone_sanitized, NULL FROM res_partner
                      WHERE id = ANY(%(ids)s)),
                alike AS MATERIALIZED (
                     SELECT partner.id
                       FROM own JOIN res_partner partner
                         ON partner.phone_sanitized = own.number
                      UNION
                     SELECT other.partner_id
                       FROM own JOIN pbx_phone_number other ON other.number = own.number
                      UNION
                     SELECT other.partner_id
                       FROM own JOIN pbx_phone_number other ON other.tail = own.tail)
                SELECT id FROM alike WHERE id != ALL(%(ids)s) LIMIT 100
                """,
                ids=partners.ids,
            )
        )
        return partners.browse(id_ for [id_] in found)
