"""Class names, shares and amounts as the screens show them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhc.text import amount, clean, cut, percent, short_names
from dhc.ui.shell.markdown import bold


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0%"), (0.93, "93%"), (1.0, "100%"), (0.004, "<1%"), (0.9971, ">99%"), (0.5, "50%"), (1e-9, "0%")],
)
def test_a_share_is_never_rounded_to_all_or_nothing(share: float, text: str) -> None:
    assert percent(share) == text


def test_amounts_agree_in_number() -> None:
    assert [amount(n, "picture") for n in (0, 1, 1024)] == ["0 pictures", "1 picture", "1,024 pictures"]


def test_a_long_name_keeps_both_ends() -> None:
    assert cut("abcdefghij", 7) == "abcd…ij"
    assert cut("abcdefg", 7) == "abcdefg"


@pytest.mark.parametrize("hidden", ["\u202e", "\n", "\x00", "\u2066", "\x85"])
def test_what_would_leave_its_own_name_is_made_visible(hidden: str) -> None:
    assert clean(f"a{hidden}b") == "a\ufffdb"


def test_joined_emoji_stay_whole() -> None:
    assert clean("👩‍🚀") == "👩‍🚀"


@given(st.lists(st.text(max_size=60), max_size=30, unique=True), st.integers(4, 30))
def test_short_names_are_short_and_all_different(names: list[str], limit: int) -> None:
    short = short_names(tuple(names), limit)
    assert len(set(short)) == len(names)
    assert all(len(name) <= limit + len(" (30)") for name in short)


def test_a_name_in_bold_is_text_and_not_markdown() -> None:
    assert bold("![](http://x) **b**").count("**") == 2
