"""The translations keep to Odoo's words, and to one word for one thing."""

import pytest

from lib import glossary, odoo
from lib.paths import CHECKOUT


@pytest.fixture(scope="module")
def addons():
    return odoo.bring().addons


def russian():
    return glossary.entries(CHECKOUT / "i18n/ru.po")


@pytest.fixture
def complaints(addons):
    """What is found after some of the Russian texts are replaced or added."""

    def found(replaced, *added):
        pairs = [(term, replaced.get(term, text)) for term, text in russian()]
        return glossary.Glossary(addons, "ru").complaints(pairs + list(added))

    return found


def test_all_languages_keep_to_the_glossary(addons):
    assert glossary.complaints(addons) == []


def test_another_word_than_odoos_is_found(complaints):
    [found] = complaints({"Campaign": "Акция"})
    assert found == "ru: 'Campaign' is 'Акция', Odoo's is ['Кампания']"


def test_another_ending_is_the_same_word(complaints):
    assert complaints({"Cancelled": "Отменён"}) == []


def test_a_sentence_without_the_agreed_word_is_found(complaints):
    term = "The number is not called back, and no lead is created."
    [found] = complaints({term: "На номер не перезванивают, заявка не создаётся."})
    assert f"{term!r} has no" in found and "(lead)" in found


def test_two_texts_of_one_term_are_found(complaints):
    [found] = complaints({}, ("Lost calls", "Упущенные вызовы: потерянные"))
    assert "but 'Lost calls' is" in found


def test_an_exception_without_need_is_found(complaints):
    [found] = complaints({"Created by": "Создано"})
    assert found == "ru: [not_odoos] needs no 'Created by'"


def test_a_word_of_the_glossary_that_is_not_odoos_is_found(addons):
    words = glossary.Glossary(addons, "ru")
    words.stems = {**words.stems, "tag": "ярлык"}
    found = words.complaints([])
    assert any("Odoo's word for 'tag' is ['Тег']" in one for one in found)
