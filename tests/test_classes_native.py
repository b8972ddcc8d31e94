"""classes.csv: each notation of a value, each invalid line, and the meaning of the numbers."""

from __future__ import annotations

import os

import numpy as np
import pytest

from converter.classes.class_map import ClassMap, ClassMapBuilder
from converter.classes.native import parse_class_map, read_class_map, to_csv
from converter.errors import UsageError
from converter.limits import MAX_CLASS_FILE_BYTES


def parse(*rows: str, header: str = "name,value") -> ClassMap:
    return parse_class_map("\n".join((header, *rows)) + "\n", "classes.csv")


def refusal(*rows: str, header: str = "name,value") -> str:
    with pytest.raises(UsageError) as caught:
        parse(*rows, header=header)
    assert caught.value.code == "E_CLASSES"
    return str(caught.value)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("b", "has 1 columns, the header has 2"),
        ("b,1,2", "has 3 columns, the header has 2"),
        ("b,0,255,0", "has 4 columns"),
        (",5", "has no printable name"),
        ("b,", "neither a grey level nor a colour"),
        ("b,-1", "neither a grey level nor a colour"),
        ("b,1.5", "neither a grey level nor a colour"),
        ("b,#12345", "neither a grey level nor a colour"),
        ("b,#12345G", "neither a grey level nor a colour"),
        ("b,0 255", "neither a grey level nor a colour"),
        ("b,0 255 0 0", "neither a grey level nor a colour"),
        ("b,0 256 0", "neither a grey level nor a colour"),
        ("b,red", "neither a grey level nor a colour"),
        ("b,**", "neither a grey level nor a colour"),
        ("b,65536", "value '65536' exceeds 65535"),
        ("b,p256", "value 'p256' exceeds 255"),
        ("b,7", "value '7' already belongs to another class"),
        ("b,#010203", "already belongs to another class"),
        ("b,p3", "already belongs to another class"),
        ("b,*", "is a second * row"),
        ("ignore,*", "is a second * row"),
        ("ignore,7", "already belongs to another class"),
        ('b,"1,2,3', "unexpected end of data"),
        ("b,\u0663", "neither a grey level nor a colour"),  # a digit outside ASCII
        ("b,8,9", "has 3 columns, the header has 2"),
        ("\0,8", "has no printable name"),
        ("b" * 201 + ",8", "has a name of 201 characters"),
        ("b,8\0", "neither a grey level nor a colour"),
        ("b,0 255 0" + " " * 60 + "9", "neither a grey level nor a colour"),
        ("b," + "9" * 5000, "neither a grey level nor a colour"),
        ("b," + "," * 100_000 + "9", "has 100002 columns"),
        ("b," + "x" * 200_000, "field larger than field limit"),
    ],
)
def test_a_wrong_row_is_refused_with_its_line(row, reason):
    # The blank line counts, as in an editor.
    message = refusal("a,7", "a,1 2 3", "a,p3", "a,*", "", row)
    assert message.startswith("classes.csv:7: ")
    assert reason in message


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("b,2,x", "index 'x' is not a number"),
        ("b,2,-1", "index '-1' is not a number"),
        ("b,2,", "index '' is not a number"),
        ("b,2,255", "would have index 255; the largest is 254"),
        ("a,2,1", "class 'a' has another index, 0, in an earlier line"),
        ("b,2,\u0661", "index '\u0661' is not a number"),
        ("ignore,2,0", "'ignore' has the index 255, not 0"),
    ],
)
def test_a_wrong_index_is_refused_with_its_line(row, reason):
    message = refusal("a,1,0", row, header="name,value,index")
    assert message.startswith("classes.csv:3: ")
    assert reason in message


@pytest.mark.parametrize("text", ["", "\n\n", "a,1\n", "value,name\na,1\n", "name;value,index\n", "name\na\n"])
def test_a_map_without_its_header_is_refused(text):
    with pytest.raises(UsageError, match="not with the header name,value"):
        parse_class_map(text, "classes.csv")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "does not exist"),
        (b"name,value\n\xff,1\n", "is not UTF-8"),
        (b"x" * (2**20 + 1), "exceeds 1048576 bytes, the maximum for a class map"),
    ],
)
def test_a_file_that_is_no_class_map_is_refused(tmp_path, content, reason):
    path = tmp_path / "classes.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=reason):
        read_class_map(path)


def test_a_file_may_be_as_long_as_the_limit(tmp_path):
    path = tmp_path / "classes.csv"
    text = "name,value\na,1\n"
    path.write_text(text + "#" * (MAX_CLASS_FILE_BYTES - len(text)))
    assert read_class_map(path).names == ("a",)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(UsageError, match="is not a regular file"):
        read_class_map(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="is not a regular file"):
        read_class_map(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UsageError, match="cannot be read"):
        read_class_map(tmp_path / "loop")
    with pytest.raises(UsageError, match="does not exist"):
        read_class_map(tmp_path / "a\0b")


def random_map(seed: int) -> ClassMap:
    """Returns a class map with names and values of every form, the same for the same seed."""
    rng = np.random.default_rng(seed)
    names = ["#a", 'b "c"', "d,e;f", "été", "ignored", "*", "p1", "0", "i'j", "sep=;", "name", "ignore"]
    values = [str(level) for level in rng.choice(65536, 40, replace=False)]
    values += [f"p{entry}" for entry in rng.choice(256, 20, replace=False)]
    values += [f"{red} {green} 9" for red in (0, 7, 255) for green in (0, 8, 200)]
    owners = names + [str(name) for name in rng.choice(names, len(values) - len(names))]
    builder = ClassMapBuilder()
    for name, value in zip(owners, rng.permutation(values), strict=True):
        builder.add(name, str(value))
    if seed % 2:
        builder.add(str(rng.choice(names)), "*")
    return builder.finish()


@pytest.mark.parametrize("seed", range(20))
def test_a_class_map_survives_being_written_as_csv(seed):
    classes = random_map(seed)
    again = parse_class_map(to_csv(classes), "classes.csv")
    assert again == classes
    assert again.colors() == classes.colors()


def test_the_csv_of_a_class_map_reads_as_a_user_would_write_it():
    classes = parse("ignore,255", "a,22 0 255", "b,76", '"#x",p15', "a,77 77 77", "ignore,*")
    assert to_csv(classes) == 'name,value\na,#1600FF\na,#4D4D4D\nb,76\n"#x",p15\nignore,255\nignore,*\n'
