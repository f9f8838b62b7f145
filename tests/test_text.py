"""Numbers and names as a person reads them."""

from __future__ import annotations

from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhc.text import (
    clean,
    clock_text,
    count_text,
    duration_text,
    figure_text,
    fine_percent_text,
    one_line,
    percent_text,
    quote,
    rate_text,
    rough_text,
    setting_number,
    short_names,
    shorten,
    signed_points,
    size_text,
)
from dhc.ui.shell.markdown import bold


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0%"), (0.93, "93%"), (1.0, "100%"), (0.004, "<1%"), (0.9971, ">99%"), (0.5, "50%"), (1e-9, "0%")],
)
def test_a_share_is_never_rounded_to_all_or_nothing(share: float, text: str) -> None:
    assert percent_text(share) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0%"), (0.31, "31%"), (0.004, "0.4%"), (0.0004, "<0.1%"), (0.0099, "1.0%"), (0.9996, ">99%"), (1.0, "100%")],
)
def test_a_fine_share_has_a_digit_more_below_one_percent(share: float, text: str) -> None:
    assert fine_percent_text(share) == text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 kB"), (3_100, "3 kB"), (83e6, "83 MB"), (999_400_000, "999 MB"), (1.5e9, "1.5 GB")]
)
def test_a_size_is_in_the_unit_that_suits_it(size: float, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (0.02, "<0.1 s"),
        (0.06, "0.1 s"),
        (8, "8.0 s"),
        (12, "12 s"),
        (240, "4 min"),
        (12_000, "3 h 20 min"),
        (190_800, "2 d 5 h"),
        (None, "?"),
        (nan, "?"),
    ],
)
def test_a_duration_is_in_the_units_that_suit_it(seconds: float | None, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "a few seconds"),
        (5, "a few seconds"),
        (5.1, "about 10 seconds"),
        (41, "about 50 seconds"),
        (50, "about a minute"),
        (89, "about a minute"),
        (170, "about 3 min"),
        (9_000, "about 2 h 30 min"),
    ],
)
def test_an_estimate_is_said_no_finer_than_it_is(seconds: float, text: str) -> None:
    assert rough_text(seconds) == text


def test_a_clock_shows_every_second() -> None:
    assert [clock_text(seconds) for seconds in (303, 302.6, None)] == ["0:05:03", "0:05:03", "–"]


def test_a_learning_rate_has_three_digits() -> None:
    assert [rate_text(rate) for rate in (1e-3, 6.4e-4, 1e-7)] == ["0.001", "0.00064", "1e-7"]
    assert [rate_text(rate) for rate in (1e-5, 1.25e-6, 2.345e-8, 0, 10)] == [
        "0.00001",
        "0.00000125",
        "2.35e-8",
        "0",
        "10",
    ]
    assert [setting_number(value) for value in (0.5, 1.23456, 1.234e-5)] == ["0.5", "1.235", "0.00001234"]


def test_counts_agree_in_number() -> None:
    assert [count_text(n, "picture") for n in (0, 1, 1024)] == ["0 pictures", "1 picture", "1,024 pictures"]
    assert count_text(2, "class") == "2 classes"


@pytest.mark.parametrize(("value", "text"), [(" a\n b ", "a b"), ("abc def", "abc"), (None, ""), (7, "")])
def test_a_foreign_text_stands_on_one_line(value: object, text: str) -> None:
    assert one_line(value, 4) == text


def test_a_long_name_keeps_both_ends() -> None:
    assert shorten("abcdefghij", 7) == "abcd…ij"
    assert shorten("abcdefg", 7) == "abcdefg"


@pytest.mark.parametrize("hidden", ["\u202e", "\n", "\x00", "\u2066", "\x85"])
def test_what_would_leave_its_own_name_is_made_visible(hidden: str) -> None:
    assert clean(f"a{hidden}b") == "a\ufffdb"


def test_joined_emoji_stay_whole() -> None:
    assert clean("👩‍🚀") == "👩‍🚀"


def test_a_quoted_name_hides_no_character_and_keeps_both_ends() -> None:
    assert quote("a\nb") == "“a\\nb”"
    assert quote("abcdefghij", 6) == "“abc…hij”"


@given(st.lists(st.text(max_size=60), max_size=30, unique=True), st.integers(4, 30))
def test_short_names_are_short_and_all_different(names: list[str], limit: int) -> None:
    short = short_names(tuple(names), limit)
    assert len(set(short)) == len(names)
    assert all(len(name) <= limit + len(" (30)") for name in short)


def test_names_that_differ_in_their_middle_keep_what_differs() -> None:
    names = tuple(f"VGG16 with dropout {x} and warm-up, then exponential decay" for x in (0.1, 0.25))
    assert short_names(names, 30) == ("VGG16 w…0.1 and warm-up, then…", "VGG16 w…0.25 and warm-up, the…")
    late = tuple(f"VGG16 with warm-up and exponential decay, seed {x} repeated" for x in (1, 2))
    assert short_names(late, 24) == ("VGG16 …, seed 1 repeated", "VGG16 …, seed 2 repeated")
    assert short_names((names[0], "another"), 30) == (shorten(names[0], 30), "another")


def test_a_name_in_bold_is_text_and_not_markdown() -> None:
    assert bold("![](http://x) **b**").count("**") == 2


@pytest.mark.parametrize(("share", "text"), [(0.012, "+1.2"), (-0.01, "−1.0"), (0, "0.0"), (-0.0002, "0.0")])
def test_points_have_the_sign_that_charts_write(share: float, text: str) -> None:
    assert signed_points(share) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.68571, "0.6857"), (-2.5, "-2.5000"), (99_999.5, "99999.5000"), (1.21401e19, "1.214e+19")],
)
def test_a_loss_that_blows_up_has_few_digits(value: float, text: str) -> None:
    assert figure_text(value) == text
