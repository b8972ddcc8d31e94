"""Layout: the pairs of each split, and what is in no pair."""

from __future__ import annotations

from layout_files import draw, find, numbered, paint, pairs


def test_without_any_split_all_pairs_are_train_and_it_is_said(tmp_path):
    layout = find(draw(tmp_path, "images/a.jpg", "images/b.jpg", "masks/a.png", "masks/c.png"))
    assert pairs(layout) == {"train": [("images/a.jpg", "masks/a.png")]}
    assert "no split: all pairs are train; `segconv split` makes lists" in layout.evidence
    assert [(reject.error.where, reject.error.code) for reject in layout.rejects] == [
        ("images/b.jpg", "E_NO_MASK"),
        ("masks/c.png", "E_NO_IMAGE"),
    ]


def test_a_list_of_names_chooses_images_and_asks_no_question_about_the_rest(tmp_path):
    paint(tmp_path, photos=numbered("images/{}.jpg"), masks=numbered("masks/{}.png") + numbered("drawn/{}.png"))
    draw(tmp_path, train="0\n1\n", val="2\n")
    layout = find(tmp_path)
    assert pairs(layout) == {
        "train": [("images/0.jpg", "masks/0.png"), ("images/1.jpg", "masks/1.png")],
        "val": [("images/2.jpg", "masks/2.png")],
    }
    assert layout.rejects == ()
    assert layout.unmatched == ("images/3.jpg", "masks/3.png")
    assert [unused.where for unused in layout.unused] == ["drawn/"]
