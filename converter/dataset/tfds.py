"""TFDS: the three files with which TensorFlow Datasets reads a folder of shards as it is, class names included.

TFDS refuses unknown keys in its files, so our own facts are in manifest.json.
"""

from __future__ import annotations

import json
from typing import Any

from converter.dataset.manifest import Manifest
from converter.schema import FILE_NAME, IMAGE, INT64_KEYS, MASK, MASK_NAME, TILE_KEYS

VERSION = "1.0.0"  # required by TFDS; the hashes in the manifest identify the content
DATASET_INFO = "dataset_info.json"
FEATURES = "features.json"
LABELS = f"{MASK}.labels.txt"

_FEATURES = "tensorflow_datasets.core.features"


def tfds_files(manifest: Manifest) -> dict[str, str]:
    """Returns name -> text of the files that TFDS reads, in the order to write them."""
    return {
        LABELS: "".join(f"{name}\n" for name in manifest.class_names),
        FEATURES: json.dumps(_features(manifest), indent=1) + "\n",
        DATASET_INFO: json.dumps(_dataset_info(manifest), indent=1, ensure_ascii=False) + "\n",
    }


def _dataset_info(manifest: Manifest) -> dict[str, Any]:
    return {
        "name": manifest.name,
        "version": VERSION,
        "fileFormat": "tfrecord",
        "supervisedKeys": {"input": IMAGE, "output": MASK},
        "splits": [
            {
                "name": split,
                "shardLengths": [str(shard.records) for shard in info.shards],
                "numBytes": str(info.example_bytes),
                "filepathTemplate": "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}",
            }
            for split, info in manifest.splits.items()
        ],
    }


def _features(manifest: Manifest) -> dict[str, Any]:
    # -1 means any size. TFDS decodes both JPEG and PNG, whichever is declared; with "keep" both occur.
    height, width = (str(side) for side in manifest.size or (-1, -1))
    encoding = "png" if manifest.options.get("image_format") == "png" else "jpeg"

    def image(channels: int, encoding: str) -> dict[str, Any]:
        return {
            "shape": {"dimensions": [height, width, str(channels)]},
            "dtype": "uint8",
            "encodingFormat": encoding,
        }

    num_classes = {"label": {"numClasses": str(manifest.num_classes)}, "useColormap": True}
    features: dict[str, Any] = {
        IMAGE: {"pythonClassName": f"{_FEATURES}.image_feature.Image", "image": image(3, encoding)},
        MASK: {"pythonClassName": f"{_FEATURES}.labeled_image.LabeledImage", "image": image(1, "png") | num_classes},
    }
    for key in (FILE_NAME, MASK_NAME):
        features[key] = {"pythonClassName": f"{_FEATURES}.text_feature.Text", "text": {}}
    for key in (*INT64_KEYS, *(TILE_KEYS if manifest.fit == "tile" else ())):
        features[key] = {
            "pythonClassName": f"{_FEATURES}.scalar.Scalar",
            "tensor": {"shape": {}, "dtype": "int64", "encoding": "none"},
        }
    return {
        "pythonClassName": f"{_FEATURES}.features_dict.FeaturesDict",
        "featuresDict": {"features": features},
    }
