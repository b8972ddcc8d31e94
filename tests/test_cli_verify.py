"""The command verify: conflicting options are refused."""

from __future__ import annotations

import json
import re

import pytest
from command_line import SMALL

from converter.errors import UsageError


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--repair"], "--repair: rebuilds shards"),
        (["--records", "some"], "--records: 'some' is not a number"),
        (["--layout", "voc"], "--layout: says how to read --src, which is not given"),
        (["--fold", "0"], "--fold: says how to read --src, which is not given"),
    ],
)
def test_options_that_do_not_go_together_are_refused(arguments, what):
    from converter.cli.verify import verify as command

    with pytest.raises(UsageError, match=what):
        command.main(arguments, standalone_mode=False)


def test_a_damaged_shard_exits_1_and_is_named_after_the_report(segconv, dataset, tmp_path):
    assert segconv("build", "--src", dataset, *SMALL).returncode == 0
    shard = tmp_path / "records/dataset-train.tfrecord-00000-of-00001"
    data = bytearray(shard.read_bytes())
    data[-20] ^= 1
    shard.write_bytes(data)
    done = segconv("inspect", "shard", shard, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["crc_ok"] is False
    assert json.loads(done.stdout)["records"] == 5
    assert re.search(r"record 5: has a wrong checksum of its data at byte \d+", done.stderr)
