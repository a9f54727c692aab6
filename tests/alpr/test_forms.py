"""The language of a form: what it expands to, what it shows, what it cannot read."""

from __future__ import annotations

import re

import pytest

from alpr.forms import forms


def test_forms_expand_and_keep_the_separators_they_agree_on() -> None:
    expanded = forms("LL?-L 9", {})
    assert [len(form.elements) for form in expanded] == [4, 3]
    both = forms("L?-LL?", {})  # A-B and AB are the same text
    assert [form.display("AB") for form in both if form.accepts("AB")] == ["AB"]
    (only,) = forms("'NG'-9", {})
    assert only.accepts("NG7") and not only.accepts("NN7") and only.display("NG7") == "NG-7" and only.texts == 10


def test_alternatives_share_what_they_both_accept() -> None:
    """A German plate of eight characters: where two splits make the same text, no dash is shown."""
    expanded = forms("LL-L 9 | L-LL 9 | L-9", {})
    assert [len(form.elements) for form in expanded] == [4, 2]
    assert expanded[0].display("ABC1") == "ABC 1" and expanded[1].display("A1") == "A-1"


def test_words_and_literals_stand_where_they_are_put() -> None:
    (only,) = forms("{town}·9'KT'", {"town": (("AB", "CD"),)})
    assert only.texts == 20 and only.accepts("CD7KT") and not only.accepts("AD7KT")
    assert only.display("CD7KT") == "CD·7KT"


@pytest.mark.parametrize(("text", "says"), [("L_9", "cannot read '_9' in 'L_9'"), ("L{city}", "no set is named 'city'; there are 9, L, X")])
def test_what_is_no_form_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        forms(text, {})
