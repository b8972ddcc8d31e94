"""Cost of `segconv masks`, compared with pycocotools' own annToMask over the same objects.

    python benchmarks/masks.py [--images 5000] [--objects 50000] [--rounds 3] [--python ENVIRONMENT/bin/python]

The file of COCO instances has polygons of 8 to 80 points, one object in twenty as runs, and photographs of 480x640. The
baseline is one process that calls annToMask for every object and throws the mask away; reading the file does not
count. The command reads the file, opens and links every photograph, draws all masks, counts what overlaps and writes
PNG files, and all of that counts, start-up and workers included. Both are compared by CPU time (user + system), in
turn, and by the minimum of the rounds. Memory is the peak of the largest process, also for a tenth of the images.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
from converters import PEER_VARIABLES, SEGCONV, our_variables
from environments import make_environment
from measure import cost_of
from PIL import Image

SIZE = (480, 640)
CLASSES = 80
RUNS_EVERY = 20  # objects, of which one has runs instead of polygons
VARIETY = 8  # different photographs
GOAL = 1.5
ANN_TO_MASK = """
import contextlib, io, sys, time
from pycocotools.coco import COCO
with contextlib.redirect_stdout(io.StringIO()):
    coco = COCO(sys.argv[1])
start = time.process_time()
pixels = 0
for annotation in coco.anns.values():
    pixels += int(coco.annToMask(annotation)[0, 0])
print(time.process_time() - start)
"""


def outline(rng: np.random.Generator) -> np.ndarray:
    """Returns the outline of an object, float64 [N, 2]: a circle with bumps, of 16 to 320 pixels."""
    points = int(rng.integers(8, 81))
    angles = np.sort(rng.random(points)) * 2 * np.pi
    radius = np.exp(rng.uniform(np.log(8), np.log(160))) * rng.uniform(0.7, 1.3, points)
    middle = rng.random(2) * (SIZE[1], SIZE[0])
    ring = middle + np.stack([np.cos(angles), np.sin(angles)], axis=1) * radius[:, None]
    return np.clip(ring, 0, (SIZE[1], SIZE[0])).round(2)


def runs(rng: np.random.Generator) -> dict[str, object]:
    """Returns a segmentation of runs, down the columns of a box."""
    mask = np.zeros(SIZE, bool)
    top, left = (int(rng.integers(0, side - 40)) for side in SIZE)
    mask[top : top + int(rng.integers(8, 200)), left : left + int(rng.integers(8, 200))] = True
    flat = np.concatenate([[False], mask.T.ravel(), [False]])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    return {"size": list(SIZE), "counts": np.diff(np.concatenate([[0], edges, [mask.size]])).tolist()}


def write(folder: Path, images: int, objects: int) -> Path:
    """Writes photographs and a file of COCO instances, from a seed; returns the file."""
    rng = np.random.default_rng(0)
    (folder / "train2017").mkdir(parents=True)
    photographs = []
    for _ in range(VARIETY):
        coarse = Image.fromarray(rng.integers(0, 256, (30, 40, 3), dtype=np.uint8))
        photographs.append(coarse.resize(SIZE[::-1], Image.Resampling.BICUBIC))
    rows, names = [], []
    for number in range(images):
        name = f"{number:012d}.jpg"
        photographs[number % VARIETY].save(folder / "train2017" / name, quality=90, comment=name.encode())
        names.append({"id": number, "file_name": name, "height": SIZE[0], "width": SIZE[1]})
    for number in range(objects):
        is_runs = number % RUNS_EVERY == 0
        segmentation = runs(rng) if is_runs else [outline(rng).ravel().tolist()]
        row = {"id": number, "image_id": number % images, "category_id": int(rng.integers(CLASSES)), "iscrowd": 0}
        rows.append(row | {"segmentation": segmentation, "area": 1.0, "bbox": [0, 0, 1, 1]})
    path = folder / "annotations" / "instances_train2017.json"
    path.parent.mkdir()
    categories = [{"id": number, "name": f"class {number}"} for number in range(CLASSES)]
    path.write_text(json.dumps({"info": {}, "images": names, "annotations": rows, "categories": categories}))
    return path


def main() -> None:
    """Draws the datasets, and measures both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--objects", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", default="0")
    parser.add_argument("--python", type=Path, help="of an environment with pycocotools; one is made otherwise")
    arguments = parser.parse_args()
    peer = arguments.python
    if peer is None:
        environment = make_environment("pycocotools")
        peer = None if environment.failure else environment.python
        if peer is None:
            print(f"pycocotools: {environment.failure}")
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        theirs, ours, peaks = [], [], {}
        for images in (arguments.images // 10, arguments.images):
            source = work / f"coco{images}"
            path = write(source, images, arguments.objects * images // arguments.images)
            rounds = arguments.rounds if images == arguments.images else 1
            for _ in range(rounds):
                if peer is not None and images == arguments.images:
                    cost_of([str(peer), "-c", ANN_TO_MASK, str(path)], work / "theirs", PEER_VARIABLES)
                    theirs.append(float((work / "theirs").read_text()))
                command = [*SEGCONV, "-q", "masks", "--src", str(source), "--out", str(work / "out")]
                cost = cost_of([*command, "-j", arguments.workers], work / "log", our_variables())
                shutil.rmtree(work / "out")
                peaks[images] = cost.peak_mb
                if images == arguments.images:
                    ours.append(cost.cpu_s)
                    print(f"segconv masks {cost.cpu_s:.1f} s of CPU, {cost.wall_s:.1f} s, {cost.peak_mb:.0f} MB")
    print(f"{arguments.images} images, {arguments.objects} objects, {arguments.rounds} rounds, CPU seconds, minimum")
    print(f"segconv masks, all of it  {min(ours):8.2f}")
    if theirs:
        ratio = min(ours) / min(theirs)
        print(f"annToMask alone           {min(theirs):8.2f}")
        print(f"ratio                     {ratio:8.2f}   goal {GOAL}: {'pass' if ratio <= GOAL else 'fail'}")
    print(
        "peak of the largest process, MB: " + ", ".join(f"{images} images {peak:.0f}" for images, peak in peaks.items())
    )


if __name__ == "__main__":
    main()
