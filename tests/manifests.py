"""A manifest of two splits, and ways to forge it."""

from __future__ import annotations

import hashlib
import json

from converter.dataset.manifest import ChannelInfo, ClassInfo, Manifest, ShardInfo, SplitInfo, seal_of

CONTENT = b"sixteen bytes..."
SHARD = ShardInfo("town-train.tfrecord-00000-of-00002", 3, 16, hashlib.sha256(CONTENT).hexdigest())
EMPTY = ShardInfo("town-train.tfrecord-00001-of-00002", 0, 0, hashlib.sha256(b"").hexdigest())

MANIFEST = Manifest(
    name="town",
    size=(2, 3),
    fit="pad",
    classes=(ClassInfo(0, "ground", (0, 0, 0), ("0", "*")), ClassInfo(1, "Straße", (22, 0, 255), ("#1600FF",))),
    splits={
        "train": SplitInfo(
            (SHARD, EMPTY), 40, (10, 5), (3, 2), 3, skipped=1,
            padded_pixels=2, channels=ChannelInfo((1 / 3, 127.5, 255.0), (0.1, 63.75, 0.0)),
            sizes=((576, 720, 2), (720, 576, 1)), other_sizes=4, turned=1, unturned=2, corrected_pixels=7, kept=3,
        )
    },
    options={"seed": 0},
    written_by={"segconv": "0.1.0"},
    errors_sha256="ab" * 32,
    layout="voc",
    class_map="labelmap.txt",
    class_map_kind="CVAT labelmap.txt",
    ignore_values=("#FFFF00", "p255"),
)  # fmt: skip


def forged(path: str, value: object) -> str:
    """Returns the manifest's text with one field, named like `classes/0/id`, put to `value`."""
    raw = json.loads(MANIFEST.to_json())
    *parents, last = path.split("/")
    node = raw
    for key in parents:
        node = node[int(key)] if isinstance(node, list) else node[key]
    node[int(last) if isinstance(node, list) else last] = value
    return sealed(raw)


def sealed(raw: dict) -> str:
    """Returns the text of a manifest with a seal that goes with it, as whoever forges one would write it."""
    return json.dumps(raw | {"seal": seal_of(raw)})
