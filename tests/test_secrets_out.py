"""Ways on which secrets could leave: exports, copies, templates, the wire."""

import json

from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import SECRET
from .test_secrets import SECRETS, SecretsCase


@tagged("post_install", "-at_install")
class TestSecretsOut(SecretsCase):
    # ---------------------------------------------------------- exports, templates

    def test_export(self):
        for model, names in (
            ("pbx.provider", SECRETS["pbx.provider"]),
            ("pbx.provider", ("extension_ids/password",)),
            ("pbx.extension", ("password", "provider_id/api_secret")),
            ("pbx.call", ("provider_id/webhook_token", "extension_id/password")),
            ("res.users", ("pbx_extension_ids/password",)),
        ):
            for user in (self.mighty, self.admin):
                for name in names:
                    with self.subTest(model, name=name, user=user.name):
                        try:
                            told = (
                                self.record_of(model)
                                .with_user(user)
                                .export_data([name])
                            )
                        except UserError as refused:
                            told = refused
                        self.assertHidden(told)
        for model, names in SECRETS.items():
            described = self.env[model].fields_get(names, ["exportable"])
            self.assertFalse([n for n in names if described[n]["exportable"]])

    def test_copy(self):
        copy = self.provider.copy()
        self.assertFalse(copy.api_key or copy.api_secret)
        self.assertTrue(copy.webhook_token)
        self.assertNotEqual(copy.webhook_token, self.provider.webhook_token)
        self.assertFalse(self.extension.copy({"number": "102"}).password)

    def test_mail_templates(self):
        """An agent who may write templates renders them with the agent's own rights."""
        agent = self.anna
        for model, expression in (
            ("pbx.call", "object.provider_id.api_secret"),
            ("pbx.call", "object.sudo().provider_id.api_secret"),
            ("pbx.call", "object.provider_id._account()"),
            ("pbx.call", "object.provider_id._settings(object.provider_id.id).account"),
            ("pbx.call", "object.facts"),
            ("res.users", "object.pbx_extension_ids.password"),
        ):
            with self.subTest(expression):
                try:
                    template = (
                        self.env["mail.template"]
                        .with_user(agent)
                        .create(
                            {
                                "name": "x",
                                "model_id": self.env["ir.model"]._get_id(model),
                                "subject": "{{ %s }}" % expression,
                                "body_html": f'<p t-out="{expression}"/>',
                            }
                        )
                    )
                    record = self.record_of(model)
                    told = [
                        template._render_field(field, record.ids)
                        for field in ("subject", "body_html")
                    ]
                except (UserError, AttributeError, ValueError) as refused:
                    told = refused
                self.assertHidden(told)

    def test_tracking(self):
        """Nothing in the chatter: nothing is tracked, and nothing secret is written."""
        self.provider.write({"api_secret": "changed", "api_key": "changed"})
        self.provider.action_rotate_token()
        self.env.flush_all()
        said = self.provider.message_ids.mapped("body")
        self.assertHidden(said)
        self.assertNotIn("changed", str(said))
        for model, names in SECRETS.items():
            for name in names:
                self.assertFalse(
                    getattr(self.env[model]._fields[name], "tracking", None)
                )

    # ------------------------------------------------------------------ over the wire

    def test_no_method_tells(self):
        """What has no underscore can be called by anybody who is logged in."""
        self.authenticate(self.anna.login, self.anna.login)
        ids = self.provider.ids
        for method, args in (
            ("action_rotate_token", [ids]),
            ("action_check", [ids]),
            ("_account", [ids]),
            ("_settings", [ids[0]]),
            ("_id_by_token", [self.provider.webhook_token]),
            ("web_save", [ids, {"name": "x"}, {"webhook_url": {}}]),
            ("default_get", [["webhook_token"]]),
        ):
            with self.subTest(method):
                told = self.rpc("pbx.provider", method, *args)
                if method != "default_get":
                    self.assertIn("error", told)
                self.assertHidden(json.dumps(told).replace(json.dumps(args), ""))
        self.assertEqual(self.provider.webhook_token, self.hidden[2])

    def test_administrator_reads_what_the_form_shows(self):
        told = self.provider.with_user(self.admin).read(list(SECRETS["pbx.provider"]))
        self.assertEqual(told[0]["api_secret"], SECRET)
        self.assertTrue(told[0]["webhook_url"].endswith(told[0]["webhook_token"]))

    def test_settings_in_memory_do_not_print_their_secrets(self):
        settings = self.provider._settings(self.provider.id)
        self.assertHidden(
            f"{settings!r} {settings} {settings.account!r} {self.provider}"
        )
