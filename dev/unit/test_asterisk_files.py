"""The configuration that Asterisk is given."""

import dataclasses
import hashlib
import re
from pathlib import Path

import pytest

from telephony.asterisk import files
from telephony.dialect import Account

ACCOUNT = Account(
    key="a-Password_1",
    secret="s" * 32,
    login="odoo",
    webhook_url="https://odoo.example.com:8443/pbx/asterisk/T0-k_n",
    options=dict(files.DEFAULTS),
)
NAMES = {
    "cloud_pbx_cel.conf",
    "cloud_pbx_cel_custom.conf",
    "cloud_pbx_extensions.conf",
    "cloud_pbx_ari.conf",
    "README",
    "example_inbound.conf",
}


def changed(**values):
    own = {
        name: values.pop(name) for name in tuple(values) if name.startswith("asterisk_")
    }
    options = {**ACCOUNT.options, **own}
    return dataclasses.replace(ACCOUNT, options=options, **values)


def test_there_are_six_texts():
    assert set(files.render(ACCOUNT)) == NAMES == set(files.NAMES)


def test_every_value_stands_where_it_belongs():
    texts = files.render(ACCOUNT)
    version = files.version(ACCOUNT)
    assert texts["cloud_pbx_ari.conf"] == (
        "[odoo]\ntype = user\nread_only = no\npassword = a-Password_1\n"
    )
    [mapping] = texts["cloud_pbx_cel_custom.conf"].splitlines()
    assert mapping.startswith("cloud_pbx.log => ${SET(k=${eventtime}-")
    assert f'"{ACCOUNT.webhook_url}":"file:///dev/null"' in mapping
    hashed = f"${{SHA1({'s' * 32}${{SHA1({'s' * 32}${{b}})}})}}"
    assert mapping.count(hashed) == 1
    extensions = texts["cloud_pbx_extensions.conf"]
    assert extensions.count(hashed) == 3
    assert extensions.count(f"${{CURL({ACCOUNT.webhook_url},") == 3
    assert "MixMonitor(/var/spool/asterisk/recording/${UNIQUEID}.wav)" in extensions
    for text in (mapping, extensions):
        assert text.count(f"&v={version}&") == text.count("&v=")
    assert "?from-internal,${PBX_REDIRECT},1)" in texts["example_inbound.conf"]


def test_nothing_is_left_to_fill_in():
    for text in files.render(ACCOUNT).values():
        assert not re.search(r"<[a-z]+>", text)


def test_a_mapping_is_one_line_and_cel_has_no_apps():
    texts = files.render(ACCOUNT)
    assert texts["cloud_pbx_cel_custom.conf"].count("\n") == 1
    assert "apps" not in texts["cloud_pbx_cel.conf"]


def test_a_value_is_written_once():
    """What looks like another placeholder is a value, and stays."""
    account = changed(webhook_url="https://odoo.example.com/<secret>")
    assert "/<secret>" in files.render(account)["cloud_pbx_extensions.conf"]


@pytest.mark.parametrize(
    "other",
    [
        {"key": "another"},
        {"secret": "t" * 32},
        {"login": "other"},
        {"webhook_url": "https://odoo.example.com/pbx/asterisk/other"},
        {"asterisk_recordings": "/var/calls"},
        {"asterisk_context": "from-phones"},
    ],
    ids=str,
)
def test_whatever_is_in_the_files_has_its_version(other):
    assert files.version(changed(**other)) != files.version(ACCOUNT)
    assert re.fullmatch(r"[0-9a-f]{8}", files.version(ACCOUNT))


def test_what_is_not_in_the_files_needs_no_new_ones():
    other = changed(
        asterisk_ring_seconds=60, asterisk_trunks="a", server_url="http://x"
    )
    assert files.version(other) == files.version(ACCOUNT)


def test_empty_options_are_the_usual_ones():
    assert files.render(dataclasses.replace(ACCOUNT, options={})) == files.render(
        ACCOUNT
    )


BREAKING = ['"', "$", ";", "}", " ", "\\", "\n", "é", "'", ","]


@pytest.mark.parametrize("odd", BREAKING, ids=repr)
@pytest.mark.parametrize(
    "field, name", [("login", "login"), ("key", "api_key"), ("secret", "api_secret")]
)
def test_login_password_and_secret_hold_nothing_that_breaks_a_file(field, name, odd):
    account = changed(**{field: f"a{odd}b"})
    assert files.find_unfit(account)[0] == name
    with pytest.raises(ValueError, match=name):
        files.render(account)


@pytest.mark.parametrize("odd", ['"', "$", ",", ";", " ", "\\", "\n", "\x7f", "'"])
@pytest.mark.parametrize("name", ["webhook_url", "asterisk_recordings"])
def test_the_address_and_the_folder_break_nothing(name, odd):
    start = "https://o" if name == "webhook_url" else "/var"
    assert files.find_unfit(changed(**{name: f"{start}/a{odd}b"}))[0] == name


@pytest.mark.parametrize(
    "values, found",
    [
        ({}, None),
        ({"webhook_url": "https://пример.example/pbx/asterisk/x"}, None),
        ({"asterisk_recordings": "spool"}, "asterisk_recordings"),
        ({"asterisk_context": "a,b"}, "asterisk_context"),
        ({"asterisk_technology": "PJSIP/"}, "asterisk_technology"),
        ({"asterisk_trunks": "carrier, gsm-*"}, None),
        ({"asterisk_trunks": "carrier;x"}, "asterisk_trunks"),
        ({"asterisk_dial_prefix": "9*#"}, None),
        ({"asterisk_dial_prefix": "9,"}, "asterisk_dial_prefix"),
    ],
)
def test_what_is_unfit_is_named(values, found):
    unfit = files.find_unfit(changed(**values))
    assert (unfit and unfit[0]) == found
    assert unfit is None or unfit[1]


def test_the_texts_stay_as_they_were_run():
    """A change of these is tried with a real Asterisk first, then noted here."""
    folder = Path(files.__file__).with_name("templates")
    digests = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()[:16]
        for name in (*files.INCLUDED, files.EXAMPLE)
    }
    assert digests == DIGESTS


DIGESTS = {
    "cloud_pbx_cel.conf": "cd97385b5ac13e50",
    "cloud_pbx_cel_custom.conf": "2f083e813a6b2590",
    "cloud_pbx_extensions.conf": "0340acc2ccf00dc9",
    "cloud_pbx_ari.conf": "abfccc0aaadf3f3e",
    "example_inbound.conf": "1a69589d12b3b9d2",
}


def test_readme_names_the_paths_that_the_guide_does():
    guide = (Path(__file__).parents[2] / "docs/asterisk.md").read_text()
    [listed] = re.findall(r"only these paths below `/ari`: (.*?)\.", guide)
    paths = re.findall(r"`([a-z/]+)`", listed)
    assert len(paths) > 3
    readme = " ".join(files.render(ACCOUNT)["README"].split())
    assert f"these paths below /ari: {', '.join(paths)}." in readme
