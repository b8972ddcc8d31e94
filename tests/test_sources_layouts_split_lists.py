"""Split lists of a folder: whatever a line names is found or rejected."""

from __future__ import annotations

import pytest
from layout_files import VOC, VOC_LISTS, assert_is_detected, draw, find, pairs, write

from converter.errors import UsageError

# name of the layout: files, files with text, train pairs, val pairs, clause of the evidence, preset
KNOWN = {
    "list of SegNet": (
        ("train/S.png", "trainannot/S.png", "val/T.png", "valannot/T.png"),
        {"train.txt": "/SegNet/CamVid/train/S.png /SegNet/CamVid/trainannot/S.png\n",
         "val.txt": "/SegNet/CamVid/val/T.png /SegNet/CamVid/valannot/T.png\n"},
        [("train/S.png", "trainannot/S.png")], [("val/T.png", "valannot/T.png")],
        "train.txt: 1 line, separator space, paths without their first folders (2)", None,
    ),
    "list of the CamVid original, below its folder": (
        ("CamVid/train/S.png", "CamVid/trainannot/S.png"), {"CamVid/train.txt": "train/S.png trainannot/S.png\n"},
        [("CamVid/train/S.png", "CamVid/trainannot/S.png")], [],
        "CamVid/train.txt: 1 line, separator space, paths from CamVid/", None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", KNOWN)
def test_each_layout_is_told_by_its_files_with_its_evidence(tmp_path, row):
    assert_is_detected(tmp_path, row.split()[0], *KNOWN[row])


def test_a_broken_list_beside_folders_that_a_rule_knows_is_refused_as_a_list(tmp_path):
    draw(tmp_path, "train/S.png", "trainannot/S.png", train="S.png S.png S.png")
    with pytest.raises(UsageError, match="names none of the images of layout siblings") as caught:
        find(tmp_path)
    assert caught.value.code == "E_LIST"


@pytest.mark.parametrize(
    "line", ["a", "a.jpg", "a_m.png", "images/a.jpg", "images/a", "masks/a_m.png", "/x/images/a.jpg"]
)
def test_peers_row_25_one_name_a_line_may_be_that_of_photograph_or_mask(tmp_path, line):
    draw(tmp_path, "images/a.jpg", "images/b.jpg", "masks/a_m.png", "masks/b_m.png", train=f"{line}\n")
    write(tmp_path, "val.txt", line.replace("a_m", "b_m").replace("a.jpg", "b.jpg") if "." in line else line[:-1] + "b")
    assert pairs(find(tmp_path)) == {
        "train": [("images/a.jpg", "masks/a_m.png")], "val": [("images/b.jpg", "masks/b_m.png")]
    }  # fmt: skip


def test_stems_of_a_list_that_are_not_cut_yet_are_refused(tmp_path):
    draw(tmp_path, "images/M-33.tif", "masks/M-33.tif", train="M-33_0\nM-33_1\n")  # LandCover.ai as downloaded
    with pytest.raises(UsageError, match=r"train\.txt: names none of the images .*'M-33_0'.*--image") as caught:
        find(tmp_path)
    assert caught.value.code == "E_LIST"


def test_the_tutorials_layout_has_folders_of_its_own_for_val(tmp_path):
    draw(tmp_path, "jpg/a.jpg", "png/m.png", "val_jpg/a.jpg", "val_png/m.png", train="a.jpg;m.png", val="a.jpg;m.png")
    layout = find(tmp_path)
    assert (layout.name, layout.preset) == ("list", None)
    assert pairs(layout) == {"train": [("jpg/a.jpg", "png/m.png")], "val": [("val_jpg/a.jpg", "val_png/m.png")]}
    assert layout.evidence == (
        "train.txt: 1 line, separator ';', paths below jpg/ and png/",
        "val.txt: 1 line, separator ';', paths below val_jpg/ and val_png/",
    )


def test_splits_without_folders_of_their_own_share_those_of_train(tmp_path):
    line = "a.jpg;a.png\n"
    draw(tmp_path, "jpg/a.jpg", "png/a.png", test=line, val=line, train=line)
    assert pairs(find(tmp_path)) == {split: [("jpg/a.jpg", "png/a.png")] for split in ("train", "val", "test")}


def test_a_list_of_pairs_stands_above_every_rule(tmp_path):
    draw(
        tmp_path,
        *VOC,
        train="JPEGImages/a.jpg;SegmentationClass/a.png\n",
        val="JPEGImages/b.jpg;SegmentationClass/b.png\n",
    )
    for name, text in VOC_LISTS.items():
        write(tmp_path, name, text.replace("a", "x"))
    layout = find(tmp_path)
    assert layout.name == "list"
    assert layout.evidence[0] == "train.txt: 1 line, separator ';', paths from the source folder"
    assert pairs(layout)["val"] == [("JPEGImages/b.jpg", "SegmentationClass/b.png")]


def test_pair_lists_over_a_known_layout_keep_its_class_map(tmp_path):
    draw(
        tmp_path, "train/1_sat.jpg", "train/1_mask.png", train="train/1_sat.jpg;train/1_mask.png\n"
    )  # as `segconv split` writes them
    layout = find(tmp_path)
    assert (layout.name, layout.preset) == ("list", "deepglobe")
    assert layout.evidence[-1] == "the files are arranged as in layout deepglobe"
    draw(tmp_path, "train/1_mask.tif", train="train/1_sat.jpg;train/1_mask.tif\n")  # other masks may be anything
    assert find(tmp_path).preset is None


def test_a_list_that_leaves_pairs_out_on_purpose_wins_and_the_rest_is_unmatched(tmp_path):
    draw(tmp_path, "images/a.jpg", "images/b.jpg", "masks/a.png", "masks/b.png", train="images/a.jpg;masks/a.png\n")
    layout = find(tmp_path)
    assert pairs(layout) == {"train": [("images/a.jpg", "masks/a.png")]}
    assert layout.unmatched == ("images/b.jpg", "masks/b.png")


def test_a_list_none_of_whose_pairs_exists_is_still_a_list_with_each_line_refused(tmp_path):
    draw(tmp_path, "jpg/photo_1.jpg", "png/photo_1.png", train="photo_7.jpg;photo_7.png\nq.jpg;q.png\n")
    layout = find(tmp_path)
    assert (layout.name, layout.refs) == ("list", {"train": ()})
    assert [str(reject) for reject in layout.rejects] == [
        "train.txt:1: jpg/photo_7.jpg: does not exist. Put the file there, or fix the list.",
        "train.txt:2: jpg/q.jpg: does not exist. Put the file there, or fix the list.",
    ]


def test_a_folder_with_val_txt_alone_is_told_that_train_txt_is_missing(tmp_path):
    with pytest.raises(UsageError, match=r"train\.txt: does not exist\. Expected") as caught:
        find(draw(tmp_path, "jpg/a.jpg", "png/a.png", val="a.jpg;a.png\n"))
    assert caught.value.code == "E_LIST"


@pytest.mark.parametrize(("folders", "line"), [
    (("JPEGImages", "SegmentationClassAug"), "/{0}/{2}.jpg /{1}/{2}.png"),
    (("images", "masks"), "/{0}/{2}.jpg;/{1}/{2}.png"),
    (("images", "masks"), "/{0}/{2}.jpg"), (("jpg", "png"), "/{0}/{2}.jpg,/{1}/{2}.png"),
    (("images", "masks"), "/{1}/{2}.png"),
])  # fmt: skip
@pytest.mark.parametrize("place", ["", "ImageSets/", "lists/"])
def test_a_leading_slash_in_a_list_means_the_source_folder(tmp_path, folders, line, place):
    for number in range(4):
        draw(tmp_path, f"{folders[0]}/{number}.jpg", f"{folders[1]}/{number}.png")
    for split, numbers in (("train", range(3)), ("val", (3,))):
        write(tmp_path, f"{place}{split}.txt", "".join(f"{line.format(*folders, number)}\n" for number in numbers))
    layout = find(tmp_path)
    expected = [(f"{folders[0]}/{number}.jpg", f"{folders[1]}/{number}.png") for number in range(4)]
    assert pairs(layout) == {"train": expected[:3], "val": expected[3:]}
    assert (layout.rejects, layout.unused) == ((), ())
