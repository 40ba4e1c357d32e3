"""Numbers that cannot work are refused in a sentence, and a command ends with the exit code that says how it went."""

from argparse import ArgumentTypeError

import pytest

from core.command_line import SEED, exit_code, part, part_above_zero, part_below_one, positive, whole, within
from core.errors import UserError


def test_limits_belong_to_what_is_allowed():
    assert [whole(0)("0"), whole(4, 8)("8"), SEED("0")] == [0, 8, 0]
    assert [part("0"), part("1"), part_below_one("0"), part_above_zero("1"), positive("1e-9")] == [0, 1, 0, 1, 1e-9]


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [(whole(4), "3", "at least 4"), (whole(1, 9), "10", "9 at most"),
     (whole(), "x", "'x' is no whole number"), (positive, "inf", "finite"), (positive, "2e6", "a million at most"),
     (positive, "x", "'x' is no number"),
     (positive, "0", "above 0"), (part, "1.5", "between 0 and 1"), (part_below_one, "1", "below 1"),
     (part_above_zero, "0", "above 0")],
)  # fmt: skip
def test_the_sentence_says_what_is_allowed(kind, text, said):
    with pytest.raises(ArgumentTypeError, match=said):
        kind(text)


@pytest.mark.parametrize("text", ["0", "11", "2.5", "nan", "", "²"])
def test_bounds_may_have_words_of_their_own(text):
    assert within(int, 1, 10, "is no finger")("10") == 10
    with pytest.raises(ArgumentTypeError, match=f"^'{text}' is no finger$"):
        within(int, 1, 10, "is no finger")(text)


def test_an_action_may_have_an_exit_code_of_its_own(capsys):
    def refuse():
        raise UserError("it is too dark")

    assert [exit_code(lambda: None), exit_code(lambda: 1), exit_code(refuse)] == [0, 1, 2]
    assert capsys.readouterr().err == "error: it is too dark\n"
