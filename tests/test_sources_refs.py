"""Refs: a rejected pair, as an object for scripts."""

from __future__ import annotations

import json

from list_files import look_up


def test_a_reject_is_an_object_for_scripts(tmp_path):
    done = look_up(tmp_path, "a.jpg;b.png\na.jpg;b;c\n")
    assert json.loads(json.dumps(done.rejects[0].to_json())) == {
        "split": "train",
        "list": "train.txt",
        "line": 2,
        "file": "a.jpg;b;c",
        "code": "E_LINE",
        "what": "has 2 separators ';', a pair has exactly one between two names",
        "mend": "Write image.jpg;mask.png, with the separator of the other lines.",
    }
