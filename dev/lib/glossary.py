"""Are our translations written in Odoo's words, and in one word for one thing?

In ``dev/glossary``, ``terms.toml`` says which words are looked at, ``<language>.toml``
how each of them is translated. What Odoo itself translates is read from its own ``.po``
files, so that neither our texts nor our glossary can drift from it.
"""

import re
import tomllib
from collections import defaultdict
from pathlib import Path

import polib

from . import paths

FOLDER = paths.DEV / "glossary"
# Odoo's modules whose words our screens stand beside.
MODULES = "base web mail crm contacts phone_validation sales_team resource".split()
# dev/i18n writes it where a term is the same in a language.
SAME = "The same in this language."
MARKUP = re.compile(r"<code>.*?</code>|<[^>]*>|%\(\w+\)[a-z]|%[a-z]|\S*/\S+/\S+")
ENTRY = re.compile(r'^msgid ((?:".*"\n)+)msgstr ((?:".*"(?:\n|\Z))+)', re.MULTILINE)
# Case, gender and number are not another word: Cancelada, Cancelado.
ENDING = 4
ROOT = 3


def fold(text: str) -> str:
    """A text without what makes no difference between words."""
    text = text.replace("ё", "е").replace("Ё", "Е").replace("’", "'")
    return " ".join(text.casefold().split()).rstrip(".: ")


def entries(path: Path) -> list[tuple[str, str]]:
    """Return the terms of one of our files, each with its text."""
    return [
        (entry.msgid, entry.msgid if entry.tcomment == SAME else entry.msgstr)
        for entry in polib.pofile(str(path))
        if not entry.obsolete
    ]


def odoo_texts(addons: tuple[Path, ...], language: str, wanted: set) -> dict[str, set]:
    """Return what Odoo says for those of the wanted terms that it has.

    Its files have 3 MB each: only entries that are wanted are read in full.
    """
    found = defaultdict(set)
    for module in MODULES:
        for folder in addons:
            path = folder / module / "i18n" / f"{language}.po"
            if not path.exists():
                continue
            for block in path.read_text().split("\n\n"):
                if not (entry := ENTRY.search(block)) or "\n#, fuzzy" in block:
                    continue
                if (term := unquoted(entry[1])) in wanted and (
                    text := unquoted(entry[2])
                ):
                    found[term].add(text)
    return found


def unquoted(lines: str) -> str:
    text = "".join(line[1:-1] for line in lines.splitlines())
    return polib.unescape(text) if "\\" in text else text


def is_one_word(first: str, second: str) -> bool:
    """Whether two words differ in their ending alone."""
    root = 0
    while root < min(len(first), len(second)) and first[root] == second[root]:
        root += 1
    longest = max(len(first), len(second))
    return first == second or (root >= ROOT and longest - root <= ENDING)


def is_alike(first: str, second: str) -> bool:
    """Whether two texts have the same words, whatever their endings."""
    ones, others = fold(first).split(), fold(second).split()
    return len(ones) == len(others) and all(map(is_one_word, ones, others))


def pattern_of(words: set[str]) -> re.Pattern:
    """Find the words in English, in singular and plural, the longest first."""

    def forms(word):
        escaped = re.escape(word)
        if word.endswith("y"):
            return f"{escaped[:-1]}(?:y|ies)"
        return f"{escaped}(?:s|es)?"

    ordered = sorted(words, key=len, reverse=True)
    named = "|".join(f"({forms(word)})" for word in ordered)
    return re.compile(rf"\b(?:{named})\b", re.IGNORECASE)


class Glossary:
    """The words of one language. `addons`: Odoo's own."""

    def __init__(self, addons: tuple[Path, ...], language: str):
        common = tomllib.loads((FOLDER / "terms.toml").read_text())
        own = tomllib.loads((FOLDER / f"{language}.toml").read_text())
        self.language = language
        self.odoo_words = common["odoo"]
        self.words = {*common["odoo"], *common["ours"]}
        self.other_meaning = common["other_meaning"]
        self.other_sense = re.compile(
            "|".join(map(re.escape, common["other_sense"])), re.IGNORECASE
        )
        self.stems = own["words"]
        self.not_odoos = own.get("not_odoos", {})
        self.without = own.get("without", {})
        self.addons = addons
        self.unused = {
            *(("not_odoos", term) for term in self.not_odoos),
            *(
                (f"without.{word}", term)
                for word, terms in self.without.items()
                for term in terms
            ),
        }

    def complaints(self, pairs: list[tuple[str, str]]) -> list[str]:
        """What is wrong with the glossary, and with the texts measured by it."""
        known = dict(pairs)
        wanted = {*known, *self.odoo_words.values()}
        self.odoo = odoo_texts(self.addons, self.language, wanted)
        if missing := self.words.symmetric_difference(self.stems):
            return [f"{self.language}.toml and terms.toml differ in: {sorted(missing)}"]
        return [
            f"{self.language}: {complaint}"
            for found in (
                self.stems_unlike_odoo(),
                self.terms_unlike_odoo(known),
                self.terms_without_their_word(known),
                self.terms_in_two_ways(pairs),
                self.exceptions_without_need(known),
            )
            for complaint in found
        ]

    def stems_unlike_odoo(self):
        """Our glossary has Odoo's word for what is Odoo's."""
        for word, term in self.odoo_words.items():
            theirs = self.odoo.get(term, set())
            stem = self.stems[word]
            if not any(re.search(stem, fold(text)) for text in theirs):
                yield f"Odoo's word for {word!r} is {sorted(theirs)}, not {stem!r}"

    def is_odoos(self, term: str, text: str) -> bool:
        return any(is_alike(text, one) for one in self.odoo.get(term, ()))

    def terms_unlike_odoo(self, known):
        """A term that Odoo has as well says the same."""
        for term, text in known.items():
            theirs = self.odoo.get(term)
            if not theirs or term in self.other_meaning or self.is_odoos(term, text):
                continue
            if term in self.not_odoos:
                self.unused.discard(("not_odoos", term))
                continue
            yield f"{term!r} is {text!r}, Odoo's is {sorted(theirs)}"

    def terms_without_their_word(self, known):
        """Where the English has a word of the glossary, the translation has it too."""
        find = pattern_of(self.words)
        ordered = sorted(self.words, key=len, reverse=True)
        for term, text in known.items():
            if self.is_odoos(term, text):
                continue
            plain = fold(MARKUP.sub(" ", text))
            english = MARKUP.sub(" ", self.other_sense.sub(" ", term))
            groups = {match.lastindex for match in find.finditer(english)}
            for word in sorted(ordered[group - 1] for group in groups):
                if re.search(self.stems[word], plain):
                    continue
                if term in self.without.get(word, {}):
                    self.unused.discard((f"without.{word}", term))
                    continue
                yield f"{term!r} has no {self.stems[word]!r} ({word}): {text!r}"

    def terms_in_two_ways(self, pairs):
        """Terms that differ in case or in their last dot alone are translated alike."""
        seen = {}
        for term, text in pairs:
            # At the beginning of a sentence and within it, grammar may differ.
            before = seen.setdefault((term[:1], fold(term)), (term, text))
            if not is_alike(before[1], text) and term not in self.other_meaning:
                yield f"{before[0]!r} is {before[1]!r}, but {term!r} is {text!r}"

    def exceptions_without_need(self, known):
        """What is listed as an exception is one."""
        for section, term in sorted(self.unused):
            yield f"[{section}] needs no {term!r}"


def complaints(addons: tuple[Path, ...]) -> list[str]:
    """What is wrong in all languages."""
    found = []
    for path in sorted((paths.CHECKOUT / "i18n").glob("*.po")):
        if (FOLDER / f"{path.stem}.toml").exists():
            found += Glossary(addons, path.stem).complaints(entries(path))
        else:
            found.append(f"{path.stem}: dev/glossary has no {path.stem}.toml")
    return found
