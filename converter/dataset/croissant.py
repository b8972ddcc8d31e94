"""Croissant: croissant.json, which describes the records to search engines and catalogues of datasets.

It lists every shard with its SHA-256, the splits, and the classes with their colours. What a build does not know, such
as a license, people add to it themselves: top-level keys that are not ours stay.

Source: MLCommons, Croissant Format Specification 1.0.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from converter.dataset.manifest import Manifest
from converter.dataset.tfds import VERSION
from converter.schema import IGNORE_INDEX

CROISSANT = "croissant.json"

_TERMS = {  # of the specification, as its JSON-LD context defines them
    **{
        name: f"cr:{name}" for name in ("citeAs", "column", "extract", "field", "fileProperty", "fileObject", "fileSet")
    },
    **{name: f"cr:{name}" for name in ("format", "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField")},
    **{name: f"cr:{name}" for name in ("path", "recordSet", "references", "regex", "repeated", "replace", "separator")},
    **{name: f"cr:{name}" for name in ("source", "subField", "transform", "samplingRate", "equivalentProperty")},
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
}
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    **_TERMS,
}


def croissant_text(manifest: Manifest, before: bytes = b"{}") -> str:
    """Returns the text of croissant.json: the same manifest and keys of others always give the same text.

    Args:
      manifest: of the records.
      before: the file that it replaces, not trusted; its top-level keys that a build does not write stay.
    """
    facts = _facts(manifest)
    more = {key: value for key, value in (_keys(before) or {}).items() if key not in facts}
    return json.dumps(facts | more, indent=1, ensure_ascii=False) + "\n"


def is_croissant(data: bytes) -> bool:
    """Returns whether a file can be brought up to date: it is a JSON object."""
    return _keys(data) is not None


def describes(data: bytes, manifest: Manifest) -> bool:
    """Returns whether a croissant.json says of the records what the manifest says."""
    found = _keys(data)
    return found is not None and all(found.get(key) == value for key, value in _facts(manifest).items())


def _keys(data: bytes) -> dict[str, Any] | None:
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return raw if isinstance(raw, dict) else None


def _facts(manifest: Manifest) -> dict[str, Any]:
    records = sum(split.records for split in manifest.splits.values())
    size = "{}x{} pixels (height x width)".format(*manifest.size) if manifest.size else "their own size"
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": manifest.name,
        "version": VERSION,
        "description": (
            f"{records} pairs of a photograph and a mask of class indices at {size}, as TFRecord files of "
            f"tf.train.Example. Pixels of {IGNORE_INDEX} are ignored. README.md shows how to read them."
        ),
        "distribution": [_file(shard.name, shard.bytes, shard.sha256) for _, shard in manifest.shards()],
        "recordSet": [_classes(manifest), _splits(manifest)],
    }


def _file(name: str, size: int, sha256: str) -> dict[str, str]:
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "contentSize": f"{size} B",
        "encodingFormat": "application/x-tfrecord",
        "sha256": sha256,
    }


def _classes(manifest: Manifest) -> dict[str, Any]:
    rows = [(info.id, info.name, "#{:02X}{:02X}{:02X}".format(*info.color)) for info in manifest.classes]
    fields = {"index": "sc:Integer", "name": "sc:Text", "color": "sc:Text"}
    return _table("classes", "index of a class in the masks, its name and its colour", fields, rows)


def _splits(manifest: Manifest) -> dict[str, Any]:
    rows = [(name, split.records) for name, split in manifest.splits.items()]
    return _table("splits", "name of a split, and its pairs", {"name": "sc:Text", "pairs": "sc:Integer"}, rows)


def _table(name: str, what: str, fields: Mapping[str, str], rows: Sequence[Sequence[object]]) -> dict[str, Any]:
    """Returns a record set whose rows are in the file itself."""
    keys = [f"{name}/{field}" for field in fields]
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": what,
        "key": {"@id": keys[0]},
        "field": [
            {"@type": "cr:Field", "@id": key, "name": key, "dataType": kind}
            for key, kind in zip(keys, fields.values(), strict=True)
        ],
        "data": [dict(zip(keys, row, strict=True)) for row in rows],
    }
