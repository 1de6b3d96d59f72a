from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL, ormcache

from ...telephony import dialect as dialects
from ...telephony import errors, numbers
from .. import pbx_internal_fields  # noqa: F401  (the model that is inherited comes first)
from ..tools.memory import forget
from ..tools.secret_field import Secret
from ..tools.transactions import lock_rows
from . import pbx_secrets  # noqa: F401  (the model that is inherited comes first)

# What open pages of a phone's users show of it.
SHOWN = frozenset(("user_ids", "number", "name", "status", "caller_id"))
# What events may call it by.
NAMING = frozenset(("number", "login", "caller_id", "provider_id"))
# What was known to be online so lately is not written down anew.
ONLINE_MINUTES = 3
# What decides who has which number.
ASSIGNED = frozenset(("user_ids", "number", "login", "provider_id"))


class PbxExtension(models.Model):
    """An internal number of a cloud PBX, and who answers there."""

    _name = "pbx.extension"
    _description = "Internal number"
    _inherit = ["pbx.secrets", "pbx.internal.fields"]
    _order = "provider_id, number"
    _rec_names_search = ["number", "name"]
    _check_company_auto = True

    number = fields.Char(
        required=True, help="The short number inside the PBX, such as 100."
    )
    name = fields.Char(
        compute="_compute_name",
        store=True,
        readonly=False,
        help="What the list shows; the number itself, if nothing else is entered.",
    )
    provider_id = fields.Many2one(
        "pbx.provider",
        string="Cloud PBX",
        required=True,
        index=True,
        ondelete="cascade",
        default=lambda self: self._default_provider(),
        help="The connection that this internal number belongs to.",
    )
    company_id = fields.Many2one(related="provider_id.company_id", store=True)
    user_ids = fields.Many2many(
        "res.users",
        "pbx_extension_res_users_rel",
        "extension_id",
        "user_id",
        string="Users",
        domain=[("share", "=", False)],
        help="Whose phone it is. A desk phone may be shared, a person may have two. "
        "Takes effect at once.",
    )
    login = fields.Char(
        compute="_compute_login",
        store=True,
        readonly=False,
        help="User name of the phone; repeats the number unless the PBX says "
        "otherwise.",
    )
    password = Secret(
        groups="base.group_system",
        copy=False,
        help="Password of the phone, if this server type needs it.",
    )
    caller_id = fields.Char(
        string="Caller ID", help="The number that is shown to those who are called."
    )
    status = fields.Selection(
        [("online", "Online"), ("offline", "Offline"), ("unknown", "Unknown")],
        default="unknown",
        required=True,
        readonly=True,
        copy=False,
        help="Whether a phone is registered at the PBX under this number.",
    )
    status_at = fields.Datetime(
        internal=True,
        string="Status since",
        readonly=True,
        copy=False,
        help="When it was learnt that the status is another one.",
    )

    earlier_call_count = fields.Integer(
        string="Calls without a user",
        compute="_compute_earlier_calls",
        groups="base.group_system",
        help="Calls of this internal number from before it had a user.",
    )
    earlier_call_question = fields.Char(
        internal=True, compute="_compute_earlier_calls", groups="base.group_system"
    )
    users_without_rights = fields.Char(
        internal=True,
        compute="_compute_users_without_rights",
        groups="base.group_system",
    )

    pbx_name = fields.Char(
        "Name at the PBX", readonly=True, copy=False, help="How the PBX calls it."
    )
    checked_at = fields.Datetime(
        string="Status known at",
        readonly=True,
        copy=False,
        help="When the PBX was last asked, or reported something of this phone.",
    )

    _number_uniq = models.Constraint(
        "UNIQUE(provider_id, number)",
        "This cloud PBX has that internal number already.",
    )
    _caller_id_idx = models.Index("(company_id, caller_id) WHERE caller_id IS NOT NULL")

    @api.model
    def _default_provider(self):
        providers = self.env["pbx.provider"].search(
            [("company_id", "in", self.env.companies.ids)], limit=2
        )
        return providers if len(providers) == 1 else False

    @api.depends("number")
    def _compute_name(self):
        for extension in self:
            extension.name = extension._follow_number(extension.name)

    @api.depends("number")
    def _compute_login(self):
        for extension in self:
            extension.login = extension._follow_number(extension.login)

    def _follow_number(self, text):
        """Return name or login, which repeat the number unless somebody changed them.

        In a form the number may have been corrected and not saved yet.
        """
        if text and text != self._origin.number:
            return text
        return self._read_number(self.number, self.provider_id.id) or self.number

    @api.depends("number", "name", "provider_id.name", "company_id")
    def _compute_display_name(self):
        several = self._companies_with_several()
        for extension in self:
            number, name = extension.number or "", extension.name or ""
            title = number if name in ("", number) else f"{number} {name}"
            if extension.company_id in several:
                # sudo: the name alone, which tells two phones apart
                title = f"{title} ({extension.provider_id.sudo().name})"
            extension.display_name = title

    def _companies_with_several(self):
        """Return those of the companies that have more than one cloud PBX."""
        # sudo: how many there are, for everybody who may see their phones
        groups = (
            self.env["pbx.provider"]
            .sudo()
            ._read_group(
                [("company_id", "in", self.company_id.ids)],
                ["company_id"],
                having=[("__count", ">", 1)],
            )
        )
        return self.env["res.company"].union(*(company for [company] in groups))

    @api.model
    def _search_display_name(self, operator, value):
        """Find also by the whole display name, each word of which is somewhere."""
        domain = super()._search_display_name(operator, value)
        if operator in ("ilike", "like"):
            return domain | self._search_words(value)
        if operator == "in":
            names = [name for name in value if isinstance(name, str)]
            words = Domain.OR(self._search_words(name) for name in names)
            found = self.search(words).filtered(lambda one: one.display_name in names)
            domain |= Domain("id", "in", found.ids)
        return domain

    @staticmethod
    def _search_words(text):
        """Return the domain of what has each word in its number, name or PBX's name."""
        words = str(text).replace("(", " ").replace(")", " ").split()
        if not words:
            return Domain.FALSE
        return Domain.AND(
            Domain("number", "ilike", word)
            | Domain("name", "ilike", word)
            # Everybody sees the phones, and reads the name of their PBX in theirs.
            | Domain("provider_id", "any!", [("name", "ilike", word)])
            for word in words
        )

    @api.constrains("number", "provider_id")
    def _check_number(self):
        for extension in self:
            dialect = extension.provider_id._dialect()
            number = dialect.read_extension(extension.number)
            if not number or number != extension.number:
                raise ValidationError(
                    self.env._(
                        "“%(number)s” is not an internal number of %(pbx)s. Enter it "
                        "as the PBX has it, such as %(example)s.",
                        number=extension.number,
                        pbx=dialect.label,
                        example=dialect.extension_example,
                    )
                )

    @api.constrains("user_ids")
    def _check_users(self):
        for extension in self:
            # sudo: what kind of users these are, nothing else
            guest_sudo = extension.sudo().user_ids.filtered("share")[:1]
            if guest_sudo:
                raise ValidationError(
                    self.env._("%s is no internal user.", guest_sudo.name)
                )

    # ------------------------------------------------------------ users and their calls

    @api.depends("user_ids")
    def _compute_earlier_calls(self):
        # sudo: how many there are, for who enters whose phone it is
        groups = (
            self.env["pbx.call.leg"]
            .sudo()
            ._read_group(
                self._origin._nobodys_legs_domain(),
                ["extension_id"],
                ["call_id:count_distinct"],
            )
        )
        counts = {extension.id: count for extension, count in groups}
        for extension in self:
            users = extension.user_ids.filtered("active")
            count = counts.get(extension._origin.id, 0)
            extension.earlier_call_count = count
            extension.earlier_call_question = (
                self.env._(
                    "Give the %(count)s earlier calls of %(number)s to %(users)s?",
                    count=count,
                    number=extension.number,
                    users=", ".join(users.mapped("name")),
                )
                if count and users
                else False
            )

    def _nobodys_legs_domain(self):
        """Return the domain of legs of calls that have no user, from when nobody had
        these internal numbers."""
        return Domain(
            [
                ("extension_id", "in", self.ids),
                ("is_nobodys", "=", True),
                ("call_id.user_id", "=", False),
            ]
        )

    def action_give_earlier_calls(self):
        """Give the calls that nobody's phone is known of to who has it now.

        :return: a notification that says what was done, or that it goes on.
        """
        self.ensure_one()
        self.check_access("write")
        users = self.user_ids.filtered("active")
        if not users:
            raise UserError(self.env._("Assign a user to %s first.", self.display_name))
        if not self.earlier_call_count:
            raise UserError(
                self.env._("All calls of %s have a user.", self.display_name)
            )
        return self.env["pbx.backfill"]._begin(
            {
                "provider_id": self.provider_id.id,
                "kind": "users",
                "extension_id": self.id,
                "user_ids": [fields.Command.set(users.ids)],
            }
        )

    @api.depends("user_ids.group_ids", "user_ids.active")
    def _compute_users_without_rights(self):
        for extension in self:
            users = extension.user_ids.filtered("pbx_lacks_rights")
            extension.users_without_rights = ", ".join(users.mapped("name")) or False

    def action_make_agents(self):
        """Give the users of these phones the right to see calls.

        Under the rights of who asks: not everybody who enters phones may.
        """
        self.check_access("write")
        self.user_ids.filtered("pbx_lacks_rights").action_pbx_make_agent()
        return True

    @api.model_create_multi
    def create(self, vals_list):
        provider_id = self.env.context.get("default_provider_id")
        extensions = super().create(
            [
                self._read_typed(vals, vals.get("provider_id", provider_id))
                for vals in vals_list
            ]
        )
        self.env["pbx.assignment"]._update(extensions.provider_id.ids)
        extensions.provider_id._forget_extension_names()
        extensions._adopt_legs()
        extensions.provider_id._update_users_step()
        if extensions.user_ids:
            extensions._forget_who_has_phones()
        self.env["pbx.notifier"]._phones_changed(extensions.user_ids)
        return extensions

    @api.model
    def _read_typed(self, vals, provider_id):
        """Return ``vals`` with the numbers in them as they are kept."""
        vals = dict(vals)
        if vals.get("number"):
            # The long login (123456-100) is what many copy from their PBX.
            typed = vals["number"]
            number = self._read_number(typed, provider_id) or typed.strip()
            vals["number"] = number
            # A form repeats what was typed, before anybody read it.
            for name in ("name", "login"):
                if vals.get(name) == typed:
                    vals[name] = number
        if vals.get("caller_id"):
            vals["caller_id"] = self._read_caller_id(vals["caller_id"], provider_id)
        return vals

    @api.model
    def _read_caller_id(self, typed, provider_id):
        """Return a number of our own, E.164: national forms in the PBX's country."""
        provider = self.env["pbx.provider"].browse(provider_id)
        provider = provider or self._default_provider()
        countries = provider._settings(provider.id).countries if provider else ()
        reading = numbers.dialable(typed, None, countries)
        if reading.number:
            return numbers.canonical(reading.number)
        return numbers.from_pbx(typed, *countries[:1]) or False

    @api.model
    def _read_number(self, text, provider_id):
        """Return the number in what a person entered, as its PBX reads it.

        :return: ``""`` for what is none.
        """
        provider = self.env["pbx.provider"].browse(provider_id)
        provider = provider or self._default_provider()
        if not provider:
            return ""
        # sudo: which PBX it is decides how a number is read, nothing else
        return provider.sudo()._dialect().read_extension(text)

    def _identity(self):
        """Return what the PBX calls this extension in events and questions."""
        self.ensure_one()
        return self[self.provider_id._dialect().extension_identity]

    def _names(self):
        """Return the set of names by which events may call this extension."""
        self.ensure_one()
        dialect = self.provider_id._dialect()
        if not dialect.names_extensions:
            return {self._identity()} - {False}
        names = dialect.extension_names(
            self.number or "", self.login or "", self.caller_id or ""
        )
        return set(names) - {""}

    def write(self, vals):
        if not (SHOWN | ASSIGNED).intersection(vals):
            return super().write(vals)
        before, providers = self.user_ids, self.provider_id
        if "status" in vals:
            vals = {**vals, "status_at": fields.Datetime.now()}
        if {"number", "caller_id"}.intersection(vals):
            # How they are read, and what follows them, is each one's own.
            for extension in self:
                super(PbxExtension, extension).write(extension._with_followers(vals))
        else:
            super().write(vals)
        if NAMING.intersection(vals):
            providers._forget_extension_names()
            self._adopt_legs()
        if ASSIGNED.intersection(vals):
            providers |= self.provider_id
            self.env["pbx.assignment"]._update(providers.ids)
            providers._update_users_step()
        if "user_ids" in vals:
            self._forget_who_has_phones()
        if SHOWN.intersection(vals):
            # It takes effect at once, in browsers that are open as well.
            self.env["pbx.notifier"]._phones_changed(before | self.user_ids)
        return True

    def _with_followers(self, vals):
        """Return what is written for ``vals``, with what repeats the number."""
        vals = self._read_typed(vals, vals.get("provider_id", self.provider_id.id))
        if vals.get("number"):
            for name in ("name", "login"):
                if self[name] in (False, self.number):
                    vals.setdefault(name, vals["number"])
        return vals

    def unlink(self):
        users, providers = self.user_ids, self.provider_id
        result = super().unlink()
        providers._forget_extension_names()
        self.env["pbx.assignment"]._update(providers.ids)
        providers._update_users_step()
        self.env["pbx.notifier"]._phones_changed(users)
        return result

    # --------------------------------------------------------------- who has a phone

    @api.model
    @ormcache("self.env.uid")
    def _has_phone(self):
        """Tell whether the user has an internal number, without a query mostly."""
        # sudo: one's own phones
        phones = self.sudo().search_count([("user_ids", "in", self.env.uid)], limit=1)
        return bool(phones)

    @api.model
    def _forget_who_has_phones(self):
        """Users got or lost phones: workers keep in memory who has one."""
        forget(self.env)

    # ---------------------------------------------------------------- earlier calls

    def _adopt_legs(self):
        """Take over the legs of calls from before the number was entered here.

        Who sat there then is not known: the users of those calls stay as they are.
        """
        names = [(one.id, name) for one in self for name in one._names()]
        self.flush_recordset()
        self.env["pbx.call.leg"].flush_model()
        self.env.execute_query(
            SQL(
                """UPDATE pbx_call_leg leg SET extension_id = named.extension_id
                     FROM unnest(%s::int[], %s::varchar[])
                              named(extension_id, name)
                     JOIN pbx_extension extension ON extension.id = named.extension_id
                    WHERE leg.provider_id = extension.provider_id
                      AND leg.number = named.name
                      AND leg.extension_id IS NULL
                RETURNING leg.id""",
                [extension_id for extension_id, _name in names],
                [name for _extension_id, name in names],
            )
        )
        self.env["pbx.call.leg"].invalidate_model(["extension_id"])
        self.env["pbx.call"].invalidate_model(["unknown_extensions"])

    @api.model
    def _known(self, provider_id, names, endpoints=()):
        """Return the set of those of ``names`` that are extensions of this PBX.

        It lists them, or they have taken part in a call as such: people dial the number
        of one whose phone has another name at the PBX. Of ``endpoints`` those that it
        lists: for what one of them once passed, settings may have changed.
        """
        if not names and not endpoints:
            return set()
        settings = self.env["pbx.provider"]._settings(provider_id)
        identity = dialects.get(settings.dialect).extension_identity
        self.flush_model([identity, "number", "provider_id"])
        self.env["pbx.call.leg"].flush_model(["provider_id", "number", "extension_id"])
        rows = self.env.execute_query(
            SQL(
                """SELECT wanted.identity
                     FROM unnest(%(wanted)s::varchar[]) wanted(identity)
                    WHERE EXISTS (SELECT 1 FROM pbx_extension extension
                                   WHERE extension.provider_id = %(provider)s
                                     AND %(identity)s = wanted.identity)
                       OR wanted.identity = ANY(%(names)s) AND EXISTS (
                                  SELECT 1 FROM pbx_extension extension
                                   WHERE extension.provider_id = %(provider)s
                                     AND extension.number = wanted.identity)
                       OR wanted.identity = ANY(%(names)s) AND EXISTS (
                                  SELECT 1 FROM pbx_call_leg leg
                                   WHERE leg.provider_id = %(provider)s
                                     AND leg.number = wanted.identity
                                     AND leg.extension_id IS NULL)""",
                wanted=[*names, *endpoints],
                names=list(names),
                provider=provider_id,
                identity=SQL.identifier("extension", identity),
            )
        )
        return {name for [name] in rows}

    # --------------------------------------------------------------- from the PBX

    def _update_from_pbx(self, reported):
        """Take over what the PBX says; users and what people renamed stay.

        :param Extension reported: neutral, of the dialect.
        :return: labels of what changed, apart from who is online.
        """
        self.ensure_one()
        values = {}
        if reported.name and reported.name != self.pbx_name:
            if self.name in (False, self.number, self.pbx_name):
                values["name"] = reported.name
            values["pbx_name"] = reported.name
        if reported.caller_id and reported.caller_id != self.caller_id:
            values["caller_id"] = reported.caller_id
        if reported.login and reported.login != self.login:
            values["login"] = reported.login
        labels = [
            self._fields[name]._description_string(self.env)
            for name in values
            if name != "pbx_name"
        ]
        lock_rows(self, "NO KEY UPDATE")
        self.write(values)
        self._set_online(reported.online)
        return labels

    def _ask_pbx(self, dialect, account):
        """Ask whether a phone is registered here, and all else if never asked before.

        :raises NotOffered: this PBX does not say so.
        """
        self._take_answer(self._fetch_from_pbx(dialect, account))

    def _fetch_from_pbx(self, dialect, account):
        """Return what the PBX answers: an :class:`Extension` for one that it was never
        asked about, else whether it is online; ``None``: it does not know."""
        self.ensure_one()
        identity = self._identity()
        try:
            if self.checked_at:
                return dialect.fetch_online(account, identity)
            return dialect.fetch_extension(account, identity)
        except (errors.NotFound, errors.BadParameter, errors.BadAnswer):
            return None

    def _take_answer(self, answer):
        """Write down what :meth:`_fetch_from_pbx` returned."""
        if answer is None or isinstance(answer, bool):
            # What an event wrote while the PBX was asked is met here, and is no error.
            lock_rows(self, "NO KEY UPDATE")
            self._set_online(answer)
        else:
            self._update_from_pbx(answer)

    def _update_from_list(self, listed):
        """Take over what one question told of all extensions."""
        by_login = {one.login: one for one in listed}
        for extension in self:
            if reported := by_login.get(extension._identity()):
                extension._update_from_pbx(reported)
            else:
                extension._set_online(None)

    def _set_online(self, online):
        """Write down that a phone is registered here, or not (``None``: unknown)."""
        status = {True: "online", False: "offline"}.get(online, "unknown")
        self.filtered(lambda one: one.status != status).status = status
        self.checked_at = fields.Datetime.now()

    @staticmethod
    def _is_fresh(status, checked_at, now):
        """Tell whether it was known a few minutes ago that a phone is online.

        One that the PBX was never asked about is known by its events alone.
        """
        since = now - timedelta(minutes=ONLINE_MINUTES)
        return status == "online" and (checked_at is None or checked_at >= since)

    def _note_online(self):
        """Their phones have just done something: they are online.

        Nobody waits for one that somebody else writes. One that the PBX was never asked
        about stays so: the question is for more than that.

        :raises CONFLICTS: somebody else has written the same at this moment.
        """
        names = ["status", "status_at", "checked_at"]
        self.flush_recordset(names)
        self.env.cr.execute(
            SQL(
                """UPDATE pbx_extension extension
                      SET status = 'online', checked_at =
                          CASE WHEN extension.checked_at IS NOT NULL THEN %(now)s END,
                          status_at = CASE WHEN before.status = 'online'
                                      THEN extension.status_at ELSE %(now)s END
                     FROM (SELECT id, status FROM pbx_extension WHERE id = ANY(%(ids)s)
                         ORDER BY id FOR NO KEY UPDATE SKIP LOCKED) before
                    WHERE extension.id = before.id
                RETURNING extension.id, before.status != 'online'""",
                now=fields.Datetime.now(),
                ids=self.ids,
            ),
            log_exceptions=False,
        )
        rows = self.env.cr.fetchall()
        self.invalidate_recordset(names)
        changed = self.browse([one for one, is_changed in rows if is_changed])
        if changed:
            self.env["pbx.notifier"]._phones_changed(changed.user_ids)
