"""Readers: other libraries read the records with the code that README.md beside the shards shows, to the exact labels.

Each runs in a process of its own, without TensorFlow unless it is TensorFlow that reads. `make test-readers` installs
them all; SEGCONV_CAMVID adds that dataset to the one that is drawn here.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import EXPECTED, draw_pair, write_dataset
from reader_environments import is_installed, python, reason

from converter.building.build import build
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.dataset.reader import RecordSource

SIZE = (24, 32)
CAMVID = Path(os.environ.get("SEGCONV_CAMVID", "/nonexistent"))
TRAIN = 11  # pairs; not a multiple of a batch, a worker or a rank
CODE = re.compile(r"### ([^\n]+)\n\n```python\n(.*?)```", re.DOTALL)
TELL = """
import hashlib
import json
import sys

import numpy as np

def digest(mask):
    return hashlib.sha256(np.ascontiguousarray(mask, np.uint8).tobytes()).hexdigest()

def tell(version, masks, **facts):
    is_tensorflow = "tensorflow" in sys.modules
    print(json.dumps({"version": version, "masks": list(map(digest, masks)), "tensorflow": is_tensorflow, **facts}))
"""


class Records:
    """Records that were built, and what is in them.

    Attributes:
      folder: of the records.
      masks: digest of the class indices of each record of train, in order.
    """

    def __init__(self, folder: Path, masks: list[str]) -> None:
        self.folder, self.masks = folder, masks

    def code(self, library: str) -> str:
        """Returns the code of README.md for a library."""
        return dict(CODE.findall((self.folder / "README.md").read_text()))[library]


def digest(mask: np.ndarray) -> str:
    return hashlib.sha256(mask.tobytes()).hexdigest()


def drawn(folder: Path) -> Records:
    """Builds records of drawn pairs, whose labels are known without any reader of ours."""
    dataset = write_dataset(folder / "dataset", train=TRAIN, size=SIZE)
    out = build(BuildConfig(SourceConfig(dataset), folder / "records", pair=PairConfig(size=SIZE), shards=3)).out
    numbers = [int(record.file_name.split("/p")[1].removesuffix(".jpg")) for record in RecordSource(out, "train")]
    assert sorted(numbers) == list(range(TRAIN))
    return Records(out, [digest(EXPECTED[draw_pair(number, SIZE)[1]]) for number in numbers])


def camvid(folder: Path) -> Records:
    """Builds records of CamVid, whose labels are known from tests/test_camvid.py to be exact."""
    from test_camvid import COLORS

    rows = "".join(f"{name},{r} {g} {b}\n" for name, (r, g, b) in COLORS.items())
    (folder / "classes.csv").write_text(f"name,value\n{rows}ignore,0 0 0\n")
    source = SourceConfig(CAMVID, classes=str(folder / "classes.csv"))
    out = build(BuildConfig(source, folder / "records", pair=PairConfig(size=(90, 120)), shards=3)).out
    return Records(out, [digest(record.mask) for record in RecordSource(out, "train")])


@pytest.fixture(scope="module", params=[drawn, camvid], ids=lambda make: make.__name__)
def records(request, tmp_path_factory) -> Records:
    make: Callable[[Path], Records] = request.param
    if make is camvid and not CAMVID.is_dir():
        pytest.skip("SEGCONV_CAMVID names no folder")
    return make(tmp_path_factory.mktemp("readers"))


@pytest.fixture
def told(records, tmp_path, record_property) -> Callable[..., dict[str, Any]]:
    """Returns a function that runs code in the folder of the records, and returns what it tells of them."""

    def run(name: str, library: str, code: str) -> dict[str, Any]:
        if name and not is_installed(name):
            pytest.skip(reason(name))
        script = tmp_path / "read.py"
        script.write_text(code)
        done = python(name, script, cwd=records.folder)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        record_property("reader", f"{library} {found['version']}")
        return found

    return run


@pytest.fixture(autouse=True, scope="module")
def _nothing_is_left(records):
    """Checks that no reader changed the folder of the records."""
    before = {path.name: path.stat().st_mtime_ns for path in records.folder.iterdir() if path.is_file()}
    yield
    assert {path.name: path.stat().st_mtime_ns for path in records.folder.iterdir() if path.is_file()} == before


@pytest.mark.tf
def test_tensorflow_datasets_reads_pairs_slices_and_class_names(records, told):
    part = "builder.as_dataset('train[2:5]', as_supervised=True)"
    code = f"""
masks = [mask[..., 0] for _, mask in tfds.as_numpy(dataset)]
part = [digest(mask[..., 0]) for _, mask in tfds.as_numpy({part})]
shapes = sorted({{image.shape for image, _ in tfds.as_numpy(dataset)}})
tell(tfds.__version__, masks, part=part, shapes=shapes, names=names)
"""
    found = told("", "TensorFlow Datasets", TELL + records.code("TensorFlow Datasets") + code)
    source = RecordSource(records.folder, "train")
    assert sorted(found["masks"]) == sorted(records.masks)  # TFDS reads shards in turn, sixteen records of each
    assert sorted(found["part"]) == sorted(records.masks[2:5])
    assert found["shapes"] == [[*source.manifest.size, 3]]
    assert found["names"] == list(source.manifest.class_names)


@pytest.mark.tf
def test_tensorflow_reads_batches_with_the_pixels_of_our_own_reader(records, told):
    code = """
batches = list(dataset.as_numpy_iterator())
images = [digest(image) for images, _ in batches for image in images]
tell(tf.__version__, [mask for _, masks in batches for mask in masks], images=images)
"""
    found = told("", "TensorFlow", TELL + records.code("TensorFlow") + code)
    assert found["masks"] == records.masks
    assert found["images"] == [digest(record.image) for record in RecordSource(records.folder, "train")]


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_pytorch_reads_every_record_once_with_any_number_of_workers(records, told, start):
    code = f"""
    torch.multiprocessing.set_start_method({start!r})
    passes = []
    for workers in (0, 1, 3):
        loader = DataLoader(source, batch_size=4, num_workers=workers, collate_fn=batch_of)
        passes.append([mask for _, masks in loader for mask in masks.numpy()])
    images, masks = next(iter(loader))
    facts = {{"shape": list(images.shape), "types": [str(images.dtype), str(masks.dtype)], "most": float(images.max())}}
    tell(torch.__version__, passes[0], others=[list(map(digest, one)) for one in passes[1:]], **facts)
"""
    found = told("torch", "PyTorch", TELL + records.code("PyTorch") + code)
    assert found["masks"] == records.masks
    assert found["others"] == [records.masks] * 2
    assert found["shape"] == [4, 3, *RecordSource(records.folder, "train").manifest.size]
    assert found["types"] == ["torch.float32", "torch.int64"]
    assert 0 < found["most"] <= 1
    assert not found["tensorflow"]


def test_pytorch_shuffles_and_shares_records_among_processes(records, told):
    code = """
    from torch.utils.data import DistributedSampler

    shuffled = [mask for _, masks in loader for mask in masks.numpy()]
    shares = []
    for rank in range(3):
        sampler = DistributedSampler(source, num_replicas=3, rank=rank, shuffle=True, seed=1, drop_last=True)
        shares.append([i for i in sampler])
        part = DataLoader(source, batch_size=2, sampler=sampler, collate_fn=batch_of)
        read = [digest(mask) for _, masks in part for mask in masks.numpy()]
        assert read == [digest(source[i].mask) for i in shares[-1]]
    tell(torch.__version__, shuffled, shares=shares)
"""
    found = told("torch", "PyTorch", TELL + records.code("PyTorch") + code)
    assert sorted(found["masks"]) == sorted(records.masks)
    assert found["masks"] != records.masks
    numbers = [number for share in found["shares"] for number in share]
    assert len(set(numbers)) == len(numbers) == 3 * (len(records.masks) // 3)


def test_grain_reads_every_record_once_in_threads_and_processes(records, told):
    code = """
if __name__ == "__main__":
    masks = [mask for batch in dataset for mask in batch["mask"]]
    options = grain.multiprocessing.MultiprocessingOptions(num_workers=2)
    others = [mask for batch in dataset.to_iter_dataset().mp_prefetch(options) for mask in batch["mask"]]
    again = [mask for batch in dataset for mask in batch["mask"]]
    tell(grain.__version__, masks, others=list(map(digest, others)), again=list(map(digest, again)))
"""
    found = told("grain", "Grain", TELL + records.code("Grain") + code)
    assert sorted(found["masks"]) == sorted(found["others"]) == sorted(records.masks)
    assert found["masks"] == found["again"] != records.masks
    assert not found["tensorflow"]


def test_hugging_face_datasets_keeps_bytes_and_class_names(records, told):
    code = """
import datasets

rows = dataset.cast_column("image", Image(decode=False)).cast_column("segmentation_mask", Image(decode=False))
facts = {
    "bytes": [hashlib.sha256(row["image"]["bytes"] + row["segmentation_mask"]["bytes"]).hexdigest() for row in rows],
    "names": dataset.features["classes"].feature.names,
    "classes": dataset["classes"][:],
}
tell(datasets.__version__, [np.asarray(row["segmentation_mask"]) for row in dataset], **facts)
"""
    found = told("datasets", "Hugging Face datasets", TELL + records.code("Hugging Face datasets") + code)
    source = RecordSource(records.folder, "train")
    assert found["masks"] == records.masks
    assert found["bytes"] == [hashlib.sha256(one.image_bytes + one.mask_bytes).hexdigest() for one in source]
    assert found["names"] == list(source.manifest.class_names)
    assert found["classes"] == [sorted(set(one.mask.ravel().tolist()) - {255}) for one in source]
    assert not found["tensorflow"]


def test_dali_reads_records_through_their_index_on_the_cpu(records, told):
    code = """
from pathlib import Path

import nvidia.dali
from nvidia.dali import fn, pipeline_def, tfrecord

SHARDS = sorted(str(path) for path in Path(".").glob("*-train.tfrecord-?????-of-?????"))

@pipeline_def(batch_size=1, num_threads=1, device_id=None)
def reading():
    text = tfrecord.FixedLenFeature((), tfrecord.string, "")
    keys = {"image": text, "segmentation_mask": text}
    read = fn.readers.tfrecord(path=SHARDS, index_path=[f"{name}.idx" for name in SHARDS], features=keys)
    mask = fn.decoders.image(read["segmentation_mask"], output_type=nvidia.dali.types.GRAY)
    return fn.decoders.image(read["image"]), mask

pipe = reading()
pipe.build()
masks = [pipe.run()[1].as_array()[0, ..., 0] for _ in range(COUNT)]
tell(nvidia.dali.__version__, masks)
"""
    found = told("dali", "NVIDIA DALI", TELL + code.replace("COUNT", str(len(records.masks))))
    assert found["masks"] == records.masks


def test_mlcroissant_reads_the_metadata_without_an_error(told, records):
    from converter.dataset.croissant import croissant_text

    manifest = RecordSource(records.folder, "train").manifest
    code = f"""
from pathlib import Path

from importlib.metadata import version

import mlcroissant

Path("croissant.json").write_text({croissant_text(manifest)!r})
dataset = mlcroissant.Dataset("croissant.json")
Path("croissant.json").unlink()
classes = [(row["classes/index"], row["classes/name"].encode().decode()) for row in dataset.records("classes")]
hashes = [file.sha256 for file in dataset.metadata.distribution]
tell(version("mlcroissant"), [], errors=list(dataset.metadata.ctx.issues.errors), classes=classes, hashes=hashes)
"""
    found = told("croissant", "mlcroissant", TELL + code)
    assert found["errors"] == []
    assert found["classes"] == [[info.id, info.name] for info in manifest.classes]
    assert found["hashes"] == [shard.sha256 for _, shard in manifest.shards()]
