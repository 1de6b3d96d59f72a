"""Nobody below administrator can read or guess a secret, by any way in."""

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..telephony import dialect as dialects
from .common import REF, SECRET, PbxHttpCase, log_lines

SECRETS = {
    "pbx.provider": (
        "api_key",
        "api_secret",
        "webhook_token",
        "webhook_url",
        "former_secret",
        "former_url",
    ),
    "pbx.extension": ("password",),
}
# How each is reached from another model that an agent may read.
PATHS = (
    ("pbx.provider", "api_secret"),
    ("pbx.provider", "api_key"),
    ("pbx.provider", "webhook_token"),
    ("pbx.provider", "connected_url"),
    ("pbx.provider", "former_secret"),
    ("pbx.provider", "former_url_ids.url"),
    ("pbx.provider", "extension_ids.password"),
    ("pbx.extension", "password"),
    ("pbx.extension", "provider_id.api_secret"),
    ("pbx.extension", "provider_id.webhook_token"),
    ("pbx.call", "provider_id.api_secret"),
    ("pbx.call", "provider_id.webhook_token"),
    ("pbx.call", "provider_id.extension_ids.password"),
    ("pbx.call", "extension_id.password"),
    ("pbx.call", "extension_id.provider_id.api_key"),
    ("pbx.call", "user_id.pbx_extension_ids.password"),
    ("pbx.call", "participant_ids.pbx_extension_ids.provider_id.api_key"),
    ("pbx.call", "leg_ids.extension_id.password"),
    ("pbx.call", "facts"),
    ("pbx.call.leg", "provider_id.webhook_token"),
    ("pbx.call.leg", "call_id.facts"),
    ("pbx.call.leg", "call_id.provider_id.api_secret"),
    ("pbx.recording", "call_id.provider_id.api_secret"),
    ("res.users", "pbx_extension_ids.password"),
    ("res.users", "pbx_extension_ids.provider_id.api_secret"),
    ("res.partner", "user_ids.pbx_extension_ids.password"),
    ("res.partner", "pbx_call_ids.provider_id.api_secret"),
    ("res.partner", "pbx_call_ids.facts"),
    ("crm.lead", "pbx_call_ids.provider_id.webhook_token"),
    ("crm.lead", "user_id.pbx_extension_ids.password"),
)


class SecretsCase(PbxHttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.extension.password = "phone-password-100"
        cls.partner = cls.new_partner(user_id=cls.anna.id)
        cls.call = cls.env["pbx.call"]
        cls.internal = cls.new_user("internal", "base.group_user")
        cls.portal = cls.new_user("portal", "base.group_portal")
        # With every right that is not an administrator's.
        cls.mighty = cls.new_user(
            "mighty",
            "cloud_pbx.group_pbx_manager,base.group_erp_manager,base.group_allow_export,"
            "sales_team.group_sale_manager,base.group_partner_manager",
        )
        cls.admin = cls.new_user(
            "admin", "cloud_pbx.group_pbx_manager,base.group_system"
        )
        cls.everybody = (
            cls.portal,
            cls.internal,
            cls.anna,
            cls.supervisor,
            cls.mighty,
        )
        cls.phone_people = (cls.anna, cls.supervisor, cls.mighty)

    def setUp(self):
        super().setUp()
        self.call = self.tell("answered", pbx_call_id=REF)
        provider = self.provider
        self.hidden = [
            provider.api_key,
            provider.api_secret,
            provider.webhook_token,
            "phone-password-100",
        ]

    def assertHidden(self, told):
        for secret in self.hidden:
            self.assertNotIn(secret, str(told))

    def assertRefused(self, look, *args):
        """An error is expected, and one that tells nothing."""
        try:
            told = look(*args)
        except (UserError, ValueError) as error:
            self.assertHidden(error)
        else:
            self.fail(f"not refused, told {told}")

    def rpc(self, model, method, *args, **kwargs):
        params = {"model": model, "method": method, "args": args, "kwargs": kwargs}
        with log_lines():
            response = self.url_open(
                f"/web/dataset/call_kw/{model}/{method}",
                json={"jsonrpc": "2.0", "method": "call", "id": 1, "params": params},
            )
        return response.json()

    def record_of(self, model):
        return {
            "pbx.provider": self.provider,
            "pbx.extension": self.extension,
            "pbx.call": self.call,
            "pbx.call.leg": self.call.leg_ids,
            "pbx.recording": self.call.recording_ids,
            "res.users": self.anna,
            "res.partner": self.partner,
            "crm.lead": self.env["crm.lead"],
        }[model]


@tagged("post_install", "-at_install")
class TestSecrets(SecretsCase):
    # --------------------------------------------------------------------- reading

    def test_every_secret_field_is_known_here(self):
        """Char fields for administrators alone, apart from these, hold no secret."""
        plain = {"server_url", "external_url", "account", "login", "balance"}
        plain.update(*(dialect.options for dialect in dialects.available()))
        restricted = {
            name
            for name, field in self.env["pbx.provider"]._fields.items()
            if field.groups == "base.group_system" and field.type == "char"
        }
        known = set(SECRETS["pbx.provider"]) | {"connected_url"}
        self.assertEqual(restricted - plain, known)

    def test_read(self):
        for model, names in SECRETS.items():
            record = self.record_of(model)
            for user in self.everybody:
                mine = record.with_user(user)
                for name in names:
                    with self.subTest(model, name=name, user=user.name):
                        for look in (
                            lambda one=mine, field=name: one.read([field]),
                            lambda one=mine, field=name: one[field],
                            lambda one=mine, field=name: one.mapped(field),
                            lambda one=mine, field=name: one.search_read([], [field]),
                            lambda one=mine, field=name: one.web_read({field: {}}),
                        ):
                            self.assertRefused(look)

    def test_nothing_asked_nothing_told(self):
        for user in self.phone_people:
            for model, names in SECRETS.items():
                mine = self.record_of(model).with_user(user)
                self.assertHidden(mine.read())
                self.assertHidden(mine.copy_data() if user == self.admin else "")
                self.assertFalse(set(names) & set(mine.fields_get()))
        self.assertNotIn("facts", self.call.with_user(self.admin).fields_get())

    def test_facts_are_for_nobody(self):
        for user in (*self.everybody, self.admin):
            for look in (
                lambda one: one.facts,
                lambda one: one.read(["facts"]),
                lambda one: one.search([("facts", "!=", False)]),
                lambda one: one.export_data(["facts"]),
            ):
                with self.subTest(user=user.name):
                    self.assertRefused(look, self.call.with_user(user))
        self.assertNotIn("facts", self.call.with_user(self.admin).read()[0])

    # -------------------------------------------------------------------- guessing

    def test_domains(self):
        for model, path in PATHS:
            for user in (self.internal, *self.phone_people):
                records = self.env[model].with_user(user)
                for operator, value in (("ilike", "s"), ("=", SECRET), ("!=", False)):
                    term = (path, operator, value)
                    with self.subTest(model, user=user.name, term=term):
                        self.assertRefused(records.search, [term])
                        self.assertRefused(records.search_count, ["!", term])

    def test_administrators_do_not_search_them_either(self):
        """They read them; a filter that is shared, or an error, would spread them."""
        admin = self.admin
        for model, name in (
            *((model, name) for model, names in SECRETS.items() for name in names),
            ("pbx.provider", "connected_url"),
            ("pbx.former.url", "url"),
            ("pbx.call", "provider_id.api_secret"),
            ("pbx.extension", "provider_id.api_key"),
            ("pbx.provider", "extension_ids.password"),
        ):
            records = self.env[model].with_user(admin)
            for look in (
                lambda one, p: one.search([(p, "=like", "s%")]),
                lambda one, p: one.search([(p, "!=", False)]),
                lambda one, p: one.search_count(["!", (p, "in", [SECRET])]),
                lambda one, p: one.search([], order=p),
                lambda one, p: one.search_read([], ["id"], order=f"{p} desc"),
                lambda one, p: one._read_group([], [p], ["__count"]),
                lambda one, p: one._read_group([], [], [f"{p}:max"]),
                lambda one, p: one.formatted_read_group([], [p], ["__count"]),
                lambda one, p: one.web_read_group([], [p], ["__count"]),
            ):
                with self.subTest(model, name=name):
                    self.assertRefused(look, records, name)
        told = self.provider.with_user(admin).fields_get(["api_secret"])["api_secret"]
        self.assertFalse(
            told["searchable"] or told.get("sortable") or told.get("groupable")
        )
        self.assertEqual(self.provider.with_user(admin).api_secret, SECRET)

    def test_domains_nested_by_any(self):
        for operator in ("any", "not any"):
            for user in self.phone_people:
                secret = [("api_secret", "=like", "s%")]
                with self.subTest(operator, user=user.name):
                    calls = self.env["pbx.call"].with_user(user)
                    self.assertRefused(
                        calls.search, [("provider_id", operator, secret)]
                    )
        # What skips access rights is not taken from outside.
        self.authenticate(self.anna.login, self.anna.login)
        for operator in ("any!", "not any!"):
            domain = [["provider_id", operator, [["api_secret", "=", SECRET]]]]
            told = self.rpc("pbx.call", "search_count", domain)
            self.assertIn("error", told)

    def test_orders_and_groups(self):
        for model, path in PATHS:
            for user in self.phone_people:
                records = self.env[model].with_user(user)
                for look in (
                    lambda one, p: one.search([], order=p),
                    lambda one, p: one.search([], order=f"{p} desc, id"),
                    lambda one, p: one._read_group([], [p], ["__count"]),
                    lambda one, p: one._read_group([], [], [f"{p}:max"]),
                    lambda one, p: one._read_group([], [], [f"{p}:array_agg"]),
                    lambda one, p: one._read_group([], ["id"], having=[(p, "=", "s")]),
                    lambda one, p: one.formatted_read_group([], [p], ["__count"]),
                    lambda one, p: one.web_read_group([], [p], ["__count"]),
                    lambda one, p: one.read_progress_bar(
                        [(p, "=", "s")], "id", {"field": "id", "colors": {}}
                    ),
                ):
                    with self.subTest(model, path=path, user=user.name):
                        self.assertRefused(look, records, path)

    def test_search_panel_and_names(self):
        for user in self.phone_people:
            providers = self.env["pbx.provider"].with_user(user)
            self.assertFalse(providers.name_search(SECRET))
            self.assertFalse(providers.search([("display_name", "ilike", SECRET)]))
            self.assertHidden(providers.name_search(""))
            extensions = self.env["pbx.extension"].with_user(user)
            self.assertFalse(extensions.name_search("phone-password"))
            self.assertRefused(
                extensions.name_search, "", [("password", "ilike", "phone")]
            )

    def test_onchange_and_defaults(self):
        """Forms ask for fields of records they link to."""
        for user in self.phone_people:
            extensions = self.env["pbx.extension"].with_user(user)
            spec = {
                "provider_id": {"fields": {"api_secret": {}, "webhook_token": {}}},
                "password": {},
            }
            try:
                told = extensions.onchange(
                    {"provider_id": self.provider.id}, ["provider_id"], spec
                )
            except AccessError:
                told = ""
            self.assertHidden(told)
            try:
                told = self.call.with_user(user).web_read(
                    {"provider_id": {"fields": {"api_secret": {}}}}
                )
            except AccessError:
                told = ""
            self.assertHidden(told)
