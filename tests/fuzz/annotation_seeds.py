"""Seeds: small files of each format of annotations, all of which its parser takes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from annotation_files import BOX, SIZE, TRIANGLE, bitmap, coco, in_base64, labelme, png

RING = np.array([[1, 1, 1], [1, 0, 1]], bool)
_SIZES = {"original_height": SIZE[0], "original_width": SIZE[1]}


def _json(*values: Any) -> list[bytes]:
    return [json.dumps(value).encode() for value in values]


def _labelme() -> list[bytes]:
    kinds = ({"shape_type": "rectangle", "points": BOX}, {"shape_type": "circle", "points": BOX},
             {"shape_type": "linestrip", "points": TRIANGLE}, {"shape_type": "point", "points": BOX[:1]},
             {"shape_type": "mask", "points": BOX, "mask": in_base64(png(RING))}, {"points": TRIANGLE})  # fmt: skip
    shapes = [{"label": f"c{number}", **each} for number, each in enumerate(kinds)]
    return _json(labelme("a.jpg", *shapes), labelme("lost.png", shapes[0], data=png(np.ones(SIZE, bool))))


def _coco() -> list[bytes]:
    flat = [each for point in TRIANGLE for each in point]
    runs = {"size": list(SIZE), "counts": [5, 20, 167]}
    rows = [{"image_id": 1, "category_id": 1, "segmentation": [flat, [1, 1, 5, 1, 5, 5]]},
            {"image_id": 1, "category_id": 2, "segmentation": runs, "iscrowd": 1}]  # fmt: skip
    panoptic = {"image_id": 1, "file_name": "b.png", "segments_info": [{"id": 263, "category_id": 1, "iscrowd": 0}]}
    return _json(coco(["a.jpg"], rows), coco(["a.jpg"], [panoptic]), {"annotations": [], "images": []})


def _cvat() -> list[bytes]:
    head = "<annotations><meta><task><labels><label><name>road</name></label></labels></task></meta>"
    image = f'<image id="0" name="a.jpg" subset="Train" width="{SIZE[1]}" height="{SIZE[0]}">'
    shapes = (
        '<polygon label="road" points="1.5,2.0;6,2;6,7" z_order="2"><attribute name="x">y</attribute></polygon>'
        '<box label="road" xtl="1" ytl="1" xbr="5" ybr="4" rotation="30.5"/><points label="road" points="1,1"/>'
        '<ellipse label="road" cx="4" cy="5" rx="2" ry="1"/><mask label="road" rle="1, 3, 2" left="2" top="3" '
        'width="3" height="2"/><skeleton label="road"><points points="1,1"/></skeleton>'
    )
    return [
        f'<?xml version="1.0" encoding="utf-8"?>{head}{image}{shapes}</image></annotations>'.encode(),
        head.encode() + b"</annotations>",
    ]


def _label_studio() -> list[bytes]:
    points = [[10, 10], [60, 10], [30, 80]]
    values = {"polygonlabels": {"points": points}, "ellipselabels": {"x": 50, "y": 50, "radiusX": 10, "radiusY": 20},
              "rectanglelabels": {"x": 10, "y": 20, "width": 30, "height": 10, "rotation": 15}}  # fmt: skip
    regions = [{"type": kind, **_SIZES, "value": {kind: ["road"], **value}} for kind, value in values.items()]
    one = {"type": "brushlabels", "original_height": 1, "original_width": 1}
    one["value"] = {"brushlabels": ["car"], "rle": list(BRUSHES[1])}
    return _json(*([{"id": 3, "data": {"image": "/data/upload/1/a.jpg"}, "annotations": [{"result": each}]}]
                   for each in (regions, [one])))  # fmt: skip


def _brush(pixels: int) -> bytes:
    """Returns a brush of white pixels: one run of 4 numbers a pixel."""
    bits = f"{4 * pixels:032b}{7:05b}{1:04b}{3:04b}{7:04b}{15:04b}" + f"100{3:02b}{255:08b}" * pixels
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[k : k + 8], 2) for k in range(0, len(bits), 8))


BRUSHES = {16: _brush(16), 1: _brush(1)}


def _via() -> list[bytes]:
    shapes = ({"name": "polygon", "all_points_x": [1, 5, 5], "all_points_y": [1, 1, 6]},
              {"name": "point", "cx": 1, "cy": 1},
              {"name": "rect", "x": 1, "y": 2, "width": 3, "height": 4}, {"name": "circle", "cx": 5, "cy": 5, "r": 2.5},
              {"name": "polyline", "all_points_x": [1, 5], "all_points_y": [1, 6]})  # fmt: skip
    regions = [{"shape_attributes": shape, "region_attributes": {"class": "road"}} for shape in shapes]
    images = {"a.jpg1": {"filename": "a.jpg", "regions": regions}}
    rows = {
        "1": {"vid": "1", "xy": [7, 1, 1, 5, 1, 5, 6], "av": {"1": "0"}},
        "2": {"vid": "1", "xy": [2, 1, 2, 3, 4], "av": {"1": "0"}},
    }
    third = {"project": {}, "attribute": {"1": {"aname": "class", "options": {"0": "road"}}}, "metadata": rows,
             "file": {"1": {"fname": "a.jpg"}}, "view": {"1": {"fid_list": ["1"]}}}  # fmt: skip
    return _json(images, {"_via_settings": {}, "_via_img_metadata": images}, third)


VIA_TABLES = [
    b"filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n"
    b'a.jpg,1,"{}",1,0,"{""name"":""rect"",""x"":1,""y"":2,""width"":3,""height"":4}","{""class"":""road""}"\n'
    b"b.png,1,{},0,0,{},{}\n",
    b"# CSV_HEADER = metadata_id,file_list,flags,temporal_coordinates,spatial_coordinates,metadata\n"
    b'"1_a","[""a.jpg""]",0,"[]","[7,1,1,5,1,5,6]","{""class"":""road""}"\n',
]


def _supervisely() -> list[bytes]:
    kinds = (("polygon", {"points": {"exterior": TRIANGLE, "interior": [[[3, 2], [5, 2], [3, 4]]]}}), ("point", {}),
             ("rectangle", {"points": {"exterior": BOX, "interior": []}}), ("line", {"points": {"exterior": BOX}}),
             ("bitmap", {"bitmap": {"data": bitmap(RING), "origin": [2, 3]}}))  # fmt: skip
    objects = [{"classTitle": "road", "geometryType": kind, **more} for kind, more in kinds]
    return _json({"tags": [], "size": {"height": SIZE[0], "width": SIZE[1]}, "objects": objects})


def annotation_seeds() -> dict[str, list[bytes]]:
    """Returns the seeds of each target."""
    return {
        "labelme": _labelme(),
        "coco": _coco(),
        "json_parts": [bytes([part]) + text for part, text in zip((0, 6, 63), _coco(), strict=True)],
        "coco_text": [b"=33NN022:N", b"0", b""],
        "cvat": _cvat(),
        "yolo": [b"0 0.1 0.2 0.5 0.2 0.5 0.8\n1 .1 0.2 1 0.2 5e-1 0.8 0.0 0\n0 0.5 0.5 0.1 0.1\n", b"\n"],
        "label_studio": _label_studio(),
        "brush": [BRUSHES[16]],
        "via": _via(),
        "via_table": VIA_TABLES,
        "supervisely": _supervisely(),
    }
