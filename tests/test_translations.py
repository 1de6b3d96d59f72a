"""Every language says all that the screens say, and nothing breaks in it."""

import io
import re
from pathlib import Path

import polib
from lxml import etree

from odoo.exceptions import UserError
from odoo.tests import Form, TransactionCase, tagged
from odoo.tools.misc import file_path
from odoo.tools.translate import (
    TRANSLATED_ATTRS,
    code_translations,
    trans_export,
    translation_file_reader,
)

from .common import CALLER, PbxCase
from .test_views import ACTIONS

LANGUAGES = {
    "de": "de_DE",
    "es": "es_ES",
    "fr": "fr_FR",
    "pl": "pl_PL",
    "ru": "ru_RU",
    "uk": "uk_UA",
}
REFRESH = (
    "The terms changed. Run dev/run python dev/i18n, then translate what it lists."
)
# What dev/i18n remarks where Odoo wants no text: Port is Port in German.
SAME = "The same in this language."
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[a-z]")
TAG = re.compile(r"<[^>]*>")
SPOKEN = re.compile(rf' ({"|".join(sorted(TRANSLATED_ATTRS))})="[^"]*"')
# What nobody translates: names of events, addresses, paths.
VERBATIM = re.compile(r"NOTIFY_[A-Z_]+|https?://\S+|/pbx/|\bdbfilter\b|\btzdata\b")
QUOTED = re.compile(r"“([^”]+)”")
END = re.compile(r"[.:?!]\s*$")
FOLDER = Path(file_path("cloud_pbx/i18n"))


def read(name):
    return polib.pofile(str(FOLDER / name))


def texts(language):
    """Return ``{term: its text}`` of a language."""
    return {
        entry.msgid: entry.msgid if entry.tcomment == SAME else entry.msgstr
        for entry in read(f"{language}.po")
    }


@tagged("post_install", "-at_install")
class TestCatalogues(TransactionCase):
    def test_the_template_is_current(self):
        buffer = io.BytesIO()
        trans_export(None, ["cloud_pbx"], buffer, "po", self.env)
        now = {entry.msgid: entry for entry in polib.pofile(buffer.getvalue().decode())}
        kept = {entry.msgid: entry for entry in read("cloud_pbx.pot")}
        ours = {term for term, entry in now.items() if self.is_ours(entry)}
        self.assertFalse(ours - kept.keys(), REFRESH)
        gone = kept.keys() - now.keys()
        self.assertFalse({one for one in gone if self.is_ours(kept[one])}, REFRESH)
        # A term that moved is not found by Odoo where it is now.
        moved = [one for one in ours if kept[one].occurrences != now[one].occurrences]
        self.assertEqual(moved, [], REFRESH)

    def is_ours(self, entry):
        """Tell whether a term is more than a label of a field of another module.

        With further modules installed, calls inherit more fields than we know.
        """
        return any(map(self.is_own_place, entry.occurrences))

    def is_own_place(self, occurrence):
        kind, _colon, xml_id = occurrence[0].rpartition(":")
        if not kind.startswith("model:ir.model.fields,"):
            return True
        record = self.env.ref(xml_id, raise_if_not_found=False)
        if not record or record.model not in self.env:
            return True
        field = self.env[record.model]._fields[record.name]
        return "cloud_pbx" in field._modules

    def test_every_language_has_every_term(self):
        template = [entry.msgid for entry in read("cloud_pbx.pot")]
        self.assertEqual({path.stem for path in FOLDER.glob("*.po")}, set(LANGUAGES))
        for language in LANGUAGES:
            catalogue = read(f"{language}.po")
            self.assertEqual([entry.msgid for entry in catalogue], template, REFRESH)
            lacking = [
                entry.msgid
                for entry in catalogue
                if entry.fuzzy or not (entry.msgstr or entry.tcomment == SAME)
            ]
            self.assertEqual(lacking, [], language)

    def assertNone(self, is_wrong):
        """Fail with every term of any language whose text is wrong."""
        wrong = [
            (language, term, text)
            for language in LANGUAGES
            for term, text in texts(language).items()
            if is_wrong(term, text, language)
        ]
        self.assertEqual(wrong, [])

    def test_what_is_not_language_is_the_same(self):
        for what in (PLACEHOLDER, VERBATIM):
            self.assertNone(
                lambda term, text, _language, what=what: (
                    sorted(what.findall(term)) != sorted(what.findall(text))
                )
            )
        self.assertNone(
            lambda term, text, _language: self.tags(term) != self.tags(text)
        )
        self.assertNone(
            lambda term, text, _language: (
                bool(END.search(term)) != bool(END.search(text))
            )
        )
        self.assertNone(lambda term, text, _language: text != text.strip())
        self.assertNone(
            lambda term, text, _language: term.count("\n") != text.count("\n")
        )

    @staticmethod
    def tags(text):
        """The tags, without what is read out or shown when pointed at."""
        return sorted(SPOKEN.sub(r" \1", tag) for tag in TAG.findall(text))

    def test_what_is_read_out_of_a_tag_is_translated(self):
        self.assertNone(
            lambda term, text, _language: any(
                label[0] in text for label in SPOKEN.finditer(term)
            )
        )

    def test_a_place_is_named_by_its_labels(self):
        term = "Who gets this report, and how often, is set in Settings ‣ Phone."
        for language in LANGUAGES:
            known = texts(language)
            self.assertIn(f"{known['Settings']} ‣ {known['Phone']}", known[term])

    def test_a_label_is_quoted_as_it_is_written(self):
        known = {language: texts(language) for language in LANGUAGES}
        quoting = [term for term in known["ru"] if QUOTED.search(term)]
        self.assertGreater(len(quoting), 5)
        self.assertNone(
            lambda term, text, language: any(
                known[language].get(label, label) not in text
                or f"“{label}”" in text  # English quotation marks
                for label in QUOTED.findall(term)
            )
        )

    def test_odoo_reads_every_text(self):
        for language in LANGUAGES:
            with (FOLDER / f"{language}.po").open("rb") as stream:
                rows = list(translation_file_reader(stream))
            self.assertGreater(len(rows), 400)
            self.assertEqual({row["module"] for row in rows}, {"cloud_pbx"})


@tagged("post_install", "-at_install")
class TestLanguages(PbxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        module = cls.env["ir.module.module"]._get("cloud_pbx")
        for code in LANGUAGES.values():
            cls.env["res.lang"]._activate_lang(code)
        module._update_translations(list(LANGUAGES.values()))
        cls.admin = cls.new_user(
            "chief",
            "base.group_system,cloud_pbx.group_pbx_manager,base.group_multi_company",
        )
        cls.texts = {language: texts(language) for language in LANGUAGES}

    def speaking(self, language):
        """Return the texts of a language, and the administrator who speaks it."""
        context = {**self.env.context, "lang": LANGUAGES[language]}
        return self.texts[language], self.env(user=self.admin, context=context)

    def test_labels_helps_and_choices(self):
        for language in LANGUAGES:
            with self.subTest(language):
                known, env = self.speaking(language)
                for model in ("pbx.provider", "pbx.extension", "pbx.call", "pbx.event"):
                    fields = env[model].fields_get()
                    english = env[model].with_context(lang="en_US").fields_get()
                    for name, field in fields.items():
                        for key in ("string", "help"):
                            if plain := english[name].get(key):
                                if "cloud_pbx" in env[model]._fields[name]._modules:
                                    self.assertEqual(field[key], known[plain], name)
                directions = dict(
                    env["pbx.call"].fields_get()["direction"]["selection"]
                )
                self.assertEqual(directions["inbound"], known["Incoming"])

    def test_the_words_of_the_directory_of_cloud_pbxs(self):
        env = self.env(context={**self.env.context, "lang": "ru_RU"})
        fields = env["pbx.provider"].fields_get()
        for name, label in {
            "user_id": "Запускать от имени",
            "api_key": "Пароль (токен) в АТС",
            "api_secret": "Ключ для подписи",
            "dialect": "Тип сервера",
            "lookup_on_answer": "Искать клиента в базе только после поднятия трубки",
        }.items():
            self.assertEqual(fields[name]["string"], label)

    def test_every_view_loads_with_every_text(self):
        views = self.env["ir.ui.view"].browse(
            self.env["ir.model.data"]
            .search([("module", "=", "cloud_pbx"), ("model", "=", "ir.ui.view")])
            .mapped("res_id")
        )
        self.assertGreater(len(views), 12)
        field = views._fields["arch_db"]
        for language in LANGUAGES:
            with self.subTest(language):
                known, env = self.speaking(language)
                for view in views.with_env(env).sudo():
                    english = view.with_context(lang="en_US")
                    wanted = [
                        known[term] for term in field.get_trans_terms(english.arch_db)
                    ]
                    self.assertEqual(field.get_trans_terms(view.arch_db), wanted)
                    self.assertEqual(
                        self.shape(view.arch_db),
                        self.shape(english.arch_db),
                        view.xml_id,
                    )
                for name in ACTIONS:
                    action = env.ref(f"cloud_pbx.{name}").sudo()
                    kinds = [(False, kind) for kind in action.view_mode.split(",")]
                    got = env[action.res_model].get_views(
                        [*kinds, (action.search_view_id.id, "search")]
                    )
                    self.assertEqual(len(got["views"]), len(kinds) + 1)

    @staticmethod
    def shape(arch):
        """What a view has beside its texts."""
        return [
            (node.tag, {k: v for k, v in node.items() if k not in TRANSLATED_ATTRS})
            for node in etree.fromstring(arch).iter(etree.Element)
        ]

    def test_forms_open(self):
        self.new_partner()
        call = self.tell("answered", caller=CALLER, extension="100")
        for language in LANGUAGES:
            with self.subTest(language):
                _known, env = self.speaking(language)
                for record in (self.provider, self.extension, call, self.events()[:1]):
                    Form(record.with_env(env).with_company(self.company))

    def test_names_of_menus_actions_jobs_and_groups(self):
        for language in LANGUAGES:
            with self.subTest(language):
                known, env = self.speaking(language)
                for xml_id, english in {
                    "pbx_menu_root": "Phone",
                    "pbx_call_menu": "Calls",
                    "pbx_report_menu": "Reporting",
                    "pbx_call_report_action": "Call analysis",
                    "group_pbx_user": "Agent",
                    "group_pbx_manager": "Supervisor",
                    "res_groups_privilege_phone": "Cloud PBX",
                    "ir_cron_apply_events": "Cloud PBX: apply waiting events",
                }.items():
                    record = env.ref(f"cloud_pbx.{xml_id}").sudo()
                    self.assertEqual(record.name, known[english])

    def test_messages_come_in_the_language_of_the_person(self):
        for language in LANGUAGES:
            with self.subTest(language):
                known, env = self.speaking(language)
                self.provider.user_id = False
                term = "%s is inactive. Choose the user under “Run as” first."
                with self.assertRaises(UserError) as caught:
                    self.provider.with_env(env).action_check()
                expected = known[term] % self.provider.display_name
                self.assertEqual(str(caught.exception), expected)
                withheld = env["pbx.call"].new({"number": False})
                self.assertEqual(withheld.display_name, known["Withheld number"])

    def test_the_browser_gets_its_texts(self):
        template = {
            entry.msgid
            for entry in read("cloud_pbx.pot")
            if "odoo-javascript" in entry.comment
        }
        self.assertIn("Withheld number", template)
        for language, code in LANGUAGES.items():
            sent = code_translations.get_web_translations("cloud_pbx", code)
            known = self.texts[language]
            self.assertEqual(
                {one["id"]: one["string"] for one in sent["messages"]},
                {term: known[term] for term in template if known[term] != term},
            )
