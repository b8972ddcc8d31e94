"""Tables: columns are chosen by their names, by what is in them, or not at all."""

from __future__ import annotations

import pytest
from layout_files import find, write
from split_files import in_folders, lines, names, numbers, of_code, refused_list, six, stems

from converter.sources.lists.tables import readings
from converter.sources.lists.text import SplitList, read_split_list


def read(folder, text: str, split: str = "train") -> list[dict[str, SplitList]]:
    (folder / "list.txt").write_text(text)
    return list(readings(read_split_list(split, folder / "list.txt", "list.txt")))


ROWS = [(i, f"images/f{i}.jpg", f"masks/f{i}.png") for i in range(6)]


def table(header: str, row: str, own=range(6)) -> str:
    rows = [row.format(i, image, mask, "train" if i < 4 else "valid") for i, image, mask in ROWS if i in own]
    return "\n".join([header, *rows]) + "\n"


@pytest.mark.parametrize(("header", "row", "kind"), [
    (",image,mask", "{0},{1},{2}", "csv"),  # pandas.DataFrame.to_csv
    ("\timage\tmask", "{0}\t{1}\t{2}", "tsv"),
    ("id;mask_path;image_path;width", "{0};{2};{1};64", "csv"),
    ("image,mask,dice", "{1},{2},", "csv"),
    ("sat_image_path,mask_path,image_id", "{1},{2},{0}", "csv"),
    ("ImagePath,LabelPath,fold_name", "{1},{2},a", "csv"),
    ("# made by hand\nfile_name label weight", "{1} {2} 0.5", "txt"),
])  # fmt: skip
def test_columns_are_chosen_by_the_header(tmp_path, header, row, kind):
    lists = {f"{split}.{kind}": table(header, row, own) for split, own in (("train", range(4)), ("val", (4, 5)))}
    layout = six(tmp_path, lists)
    assert (layout.name, stems(layout), layout.rejects) == ("list", {"train": "0123", "val": "45"}, ())
    assert " of " in layout.evidence[0] and "column" in layout.evidence[0]
    assert layout.refs["train"][0].mask == "masks/f0.png"


@pytest.mark.parametrize("end", [" 1", " 1 2", " 0.5 x", ""])
@pytest.mark.parametrize("separator", [" ", "\t", ","])
def test_three_columns_without_a_header_are_read_where_two_of_them_name_images(tmp_path, separator, end):
    end = end.replace(" ", separator)
    layout = six(
        tmp_path, {"train.txt": lines(range(4), separator, end=end), "val.txt": lines((4, 5), separator, end=end)}
    )
    assert (stems(layout), layout.rejects) == ({"train": "0123", "val": "45"}, ())


def test_a_name_with_numbers_after_it_is_a_list_of_names(tmp_path):
    text = "".join(f"f{i} {i} 1 2\n" for i in range(4))  # as in the Oxford pets
    layout = six(tmp_path, {"trainval.txt": text, "test.txt": "f4 1 1 1\nf5 2 1 1\n"})
    assert stems(layout) == {"train": "0123", "test": "45"}
    assert "trainval.txt: 4 lines, separator space, column 1 of 4" in "; ".join(layout.evidence)


def test_names_with_spaces_and_numbers_are_no_columns(tmp_path):
    files = [f"{folder}/scan {i} 1.{end}" for i in range(3) for folder, end in (("images", "jpg"), ("masks", "png"))]
    layout = six(tmp_path, {"train.txt": "scan 0 1\nscan 1 1\n", "val.txt": "scan 2 1\n"}, *files)
    assert {ref.image for ref in layout.refs["train"]} == {"images/scan 0 1.jpg", "images/scan 1 1.jpg"}


def test_three_columns_of_images_are_no_choice_of_ours(tmp_path):
    error = refused_list(tmp_path, {"train.txt": lines(range(4), end=" masks/f0.png")})
    assert "names none of the images of layout dirs" in str(error)


@pytest.mark.parametrize(("header", "row"), [
    ("image_id,split,sat_image_path,mask_path", "{0},{3},{1},{2}"),  # DeepGlobe
    (",image,mask,set", "{0},{1},{2},{3}"),
    ("subset;image;label", "{3};{1};{2}"),
    ("file_name\tannotation\tdata_split", "{1}\t{2}\t{3}"),
    ("filename,phase", "{1},{3}"),
])  # fmt: skip
def test_a_column_says_which_split_a_row_belongs_to(tmp_path, header, row):
    kind = "tsv" if "\t" in header else "csv"
    layout = six(tmp_path, {f"metadata.{kind}": table(header, row)})
    assert (stems(layout), layout.rejects, layout.unused) == ({"train": "0123", "val": "45"}, (), ())
    assert any("split by column" in clause for clause in layout.evidence)
    assert layout.refs["val"][0].line == 6


def test_rows_of_no_known_split_and_splits_without_masks_are_named(tmp_path):
    text = table("split,image,mask", "{3},{1},{2}").replace("train,images/f3", "extra,images/f3")
    text = text.replace("masks/f4.png", "").replace("masks/f5.png", "nan")
    layout = six(tmp_path, {"all.csv": text})
    assert stems(layout) == {"train": "012"}
    assert {unused.where for unused in layout.unused} == {"all.csv"}
    assert {unused.what for unused in of_code(layout, "W_UNUSED_LIST")} == {
        "has 1 line of no known split, from line 5 on", "val is left out, since its 2 lines name no mask",
    }  # fmt: skip


def test_a_row_without_a_mask_or_with_a_column_too_many_is_rejected_by_its_number(tmp_path):
    text = table(",image,mask", "{0},{1},{2}", range(4)) + "9,images/f4.jpg,\n8,images/f5.jpg,masks/f5.png,x\n"
    layout = six(tmp_path, {"train.csv": text})
    assert [(reject.line, reject.error.code, reject.error.what) for reject in layout.rejects] == [
        (6, "E_NO_MASK", "has no mask in the list"), (7, "E_LINE", "does not have as many columns as the other lines"),
    ]  # fmt: skip


def test_a_column_of_folds_is_named_and_not_followed(tmp_path):
    layout = six(tmp_path, {"folds.csv": table("image,mask,fold", "{1},{2},{0}")})
    assert stems(layout) == {"train": "012345"}
    (unused,) = of_code(layout, "W_FOLDS")
    assert (unused.where, "instead of the numbers of folds" in unused.fix) == ("folds.csv", True)


def test_exact_folders_stand_above_a_table(tmp_path):
    in_folders(tmp_path, "train", "val")
    write(tmp_path, "metadata.csv", "image,mask,split\ntrain/images/train0.jpg,train/masks/train0.png,val\n")
    write(tmp_path, "train_list.txt", "val/images/val0.jpg val/masks/val0.png\n")
    layout = find(tmp_path)
    assert numbers(layout) == {"train": 2, "val": 2}
    assert [ref.image for ref in layout.refs["train"]] == ["train/images/train0.jpg", "train/images/train1.jpg"]
    assert [unused.where for unused in layout.unused] == ["train_list.txt"]


@pytest.mark.parametrize("text", [names(range(3)), "a b\n", "x;y;z\n1;2;3\n", "one,two\n3,4\n", "a,b,c\n", ",,\n,,\n"])
def test_what_is_no_table_has_no_readings(tmp_path, text):
    assert read(tmp_path, text) == []
    assert read(tmp_path, text, "") == []
