"""Facts about errors: one line that any terminal can show, exit codes, and pickling, as in a worker."""

from __future__ import annotations

import pickle

import pytest

from converter.errors import EXIT_SKIPPED, SHOWN_CHARS, DataError, MachineError, SegconvError, UsageError, shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain name.jpg", "plain name.jpg"),
        ("Straße/日本.png", "Straße/日本.png"),
        ("two\nlines\r\tand a tab", "two\\nlines\\r\\tand a tab"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("nul\0", "nul\\x00"),
        ("gpj.\u202eexe", "gpj.\\u202eexe"),  # right-to-left override, which reverses names
        ("line\u2028separator", "line\\u2028separator"),
        ("caf\udce9.jpg", "caf\\udce9.jpg"),  # a Latin-1 file name
        (17, "17"),
    ],
)
def test_shown_escapes_what_a_terminal_would_act_on_and_keeps_the_rest(text, expected):
    assert shown(text) == expected
    assert shown(text).encode("utf-8")


def test_shown_leaves_200_characters_alone_and_cuts_the_201st():
    assert SHOWN_CHARS == 200
    assert shown("a" * 200) == "a" * 200
    assert shown("a" * 201) == "a" * 197 + "..."


def test_shown_counts_characters_after_escaping():
    assert len(shown("\x1b" * 200)) == 200


def test_an_error_reads_where_what_mend():
    error = DataError("train.txt:4", "holds 2 separators", "Write photo.jpg;mask.png", "E_LINE")
    assert str(error) == "train.txt:4: holds 2 separators. Write photo.jpg;mask.png"


def test_where_is_escaped_so_that_a_message_is_one_line():
    assert str(DataError("a\nb", "what", "Fix it.")) == "a\\nb: what. Fix it."


@pytest.mark.parametrize(("kind", "code"), [(SegconvError, 1), (DataError, 1), (UsageError, 2), (MachineError, 4)])
def test_each_kind_of_error_has_its_exit_code(kind, code):
    assert kind("where", "what", "Fix it.").exit_code == code


def test_skipping_has_an_exit_code_that_no_error_has():
    assert EXIT_SKIPPED == 3
    assert EXIT_SKIPPED not in {kind.exit_code for kind in (SegconvError, *SegconvError.__subclasses__())}


@pytest.mark.parametrize("kind", [SegconvError, *SegconvError.__subclasses__()])
def test_an_error_keeps_all_it_says_through_pickle(kind):
    error = kind("a\nb.png", "is damaged", "Restore it.", "E_DAMAGED")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(copy) is kind
    assert (copy.where, copy.what, copy.fix, copy.code) == ("a\nb.png", "is damaged", "Restore it.", "E_DAMAGED")
    assert str(copy) == str(error)


def test_only_the_three_children_exist_and_none_is_a_builtin_error():
    assert {kind.__name__ for kind in SegconvError.__subclasses__()} == {"DataError", "UsageError", "MachineError"}
    assert not issubclass(SegconvError, (OSError, ValueError))
