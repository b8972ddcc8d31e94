"""Page parts: nothing from a dataset becomes markup, and what is drawn has the length and the colour it stands for."""

from __future__ import annotations

import pytest
from check_pages import Page

from converter.pages import parts

HOSTILE = "<script>alert(1)</script>\"'&\x1b[31m\x00"


def test_a_page_has_all_sections_but_the_empty_ones_and_its_title_is_escaped():
    text = parts.page_of(HOSTILE.partition("\x1b")[0], [parts.section("a", "A", "<p>one</p>"), "", "<p>two</p>"])
    page = Page(text)
    assert page.open == []
    assert page.all("script") == []
    assert "<title>&lt;script&gt;" in text
    assert [word in page.text for word in ("A", "one", "two")] == [True] * 3


def test_texts_of_a_dataset_are_escaped_bounded_and_on_one_line():
    safe = parts.text_of(HOSTILE)
    assert not set("<>\"'\x1b\x00") & set(safe)
    assert len(parts.text_of("x" * 1000, 50)) == 50
    assert "<script" not in parts.command(HOSTILE, "two")
    assert parts.command("a b", "c").count("\n") == 1
    assert "<script" not in parts.image(HOSTILE, b"", (1, 1))


def test_a_table_has_a_scroll_box_that_the_keyboard_reaches():
    page = Page(parts.table("t", "<th>a</th>", ["<tr><td>1</td></tr>"]))
    assert page.open == []
    (box,) = page.all("div")
    assert (box["tabindex"], box["role"], box["aria-labelledby"]) == ("0", "region", "t")


@pytest.mark.parametrize(
    ("share", "text", "width"),
    [(0.0, "0.0%", "0.0"), (0.00001, "&lt;0.01%", "0.3"), (0.04, "4.00%", "20.0"), (0.25, "25.0%", "50.0")],
)
def test_a_share_is_written_with_the_decimals_it_needs_and_drawn_as_its_square_root(share, text, width):
    assert parts.percent(share) == text
    assert f"width:{width}%" in parts.bar(share)


def test_words_are_in_the_plural_where_there_are_several():
    assert [parts.counted(n, "pair") for n in (0, 1, 1234)] == ["0 pairs", "1 pair", "1,234 pairs"]
    assert parts.counted(2, "class", "classes") == "2 classes"


def test_facts_are_terms_with_their_descriptions():
    page = Page(parts.facts("f", "Facts", [("Size", "1 × 2"), ("Fit", parts.with_note("pad", "letterbox"))]))
    assert page.open == []
    assert len(page.all("dt")) == len(page.all("dd")) == 2
    assert parts.with_note("pad", "") == "pad"
    assert parts.with_code("run `a &lt; b`") == "run <code>a &lt; b</code>"


def test_a_swatch_has_its_colour_or_stripes():
    assert "background:rgb(1,2,3)" in parts.swatch((1, 2, 3))
    assert 'class="swatch ignored"' in parts.swatch((1, 2, 3), "ignored")
    assert "rgb" not in parts.swatch(None)


def test_a_long_legend_is_folded_but_its_marks_are_not():
    page = Page(parts.legend([f"class {n}" for n in range(parts.OPEN_LEGEND + 2)], "<li>ignored</li>"))
    assert page.open == []
    assert "2 more" in page.text
    assert page.text.index("ignored") < page.text.index("2 more")
