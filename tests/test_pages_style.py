"""Style: the template takes four texts, the style sheet loads nothing, and each theme has every colour."""

from __future__ import annotations

import re
import string

from converter.pages.style import PAGE, STYLE


def test_the_frame_takes_four_texts_and_lets_nothing_be_loaded_or_run():
    names = [name for _, name, _, _ in string.Formatter().parse(PAGE) if name]
    assert names == ["version", "title", "style", "body", "version"]
    page = PAGE.format(title="t", style=STYLE, body="b", version="1")
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert "<script" not in page


def test_the_style_sheet_loads_nothing_and_closes_every_brace():
    assert not re.search(r"url\(|@import|@font-face|https?:", STYLE)
    assert "<" not in STYLE  # which could end it early
    depth = 0
    for character in re.sub(r"[^{}]", "", STYLE):
        depth += 1 if character == "{" else -1
        assert depth >= 0
    assert depth == 0


def test_every_colour_is_defined_for_light_and_for_dark():
    light, dark = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    names = [set(re.findall(r"(--[\w-]+):", theme)) for theme in (light, dark)]
    assert names[0] == names[1] == set(re.findall(r"var\((--[\w-]+)\)", STYLE))
