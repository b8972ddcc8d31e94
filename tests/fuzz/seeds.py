"""Seeds: small files that the targets take, from which a fuzzer starts."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Iterable

import numpy as np
from picture_bytes import bmp, png, saved, tiff
from PIL import Image, PngImagePlugin

from converter.dataset.example import Record, encode_record
from converter.dataset.manifest import ChannelInfo, ClassInfo, Manifest, ShardInfo, SplitInfo
from converter.dataset.tfrecord import ShardWriter
from fuzz.annotation_seeds import annotation_seeds
from fuzz.run_targets import evaluation_seeds

SPLIT_LISTS = (
    "a.jpg;a.png\nB.JPG;B.png\n",
    "# pairs\r\njpg/a.jpg\tpng/a.png\r\n\r\njpg\\ä b.jpg\tpng\\ä b.png\r\n",
    'image,mask\n"jpg/a.jpg","png/a.png"\n\'jpg/b.jpg\',png/b.png\n',
    "jpg/a.jpg png/a.png\n./jpg/B png/B\n/jpg/sub/c.jpg png/c.png\n",
    "../jpg/a.jpg;../png/a.png\n/home/x/jpg/a.jpg;/home/x/png/a.png\nC:/data/jpg/B.JPG;C:/data/png/B.png\n",
    "a\nb\nsub/c\nnone\n",
    "\ufeffä b.jpg\njpg/link.jpg\njpg/A.JPG\n",
)
TABLES = (
    ",image,mask\n0,jpg/a.jpg,png/a.png\n1,jpg/B.JPG,png/B.png\n",
    "image_id;split;sat_image_path;mask_path\n1;train;a.jpg;a.png\n2;valid;B.JPG;\n3;extra;jpg/ä b.jpg;png/ä b.png\n",
    "jpg/a.jpg png/a.png 1\njpg/B.JPG png/B.png 0\n",
    "\tfile_name\tlabel\tfold\n0\ta\ta.png\t1\n1\tB\tB.png\t2\n",
    "a 1 2 3\nB 1 2 4\n",
    '"name","set"\n"a.jpg","Training"\n"B.JPG","test 2"\n',
)
JSON_LISTS = (
    '{"training": [{"image": "./jpg/a.jpg", "label": "./png/a.png"}],\n"val": [{"img": "jpg/B", "seg": "png/B"}]}',
    '{"name": "x",\n "train": [["jpg/a.jpg", "png/a.png"],\n  ["jpg/\\u00e4 b.jpg", "png/ä b.png"]],\n "test": ["a"]}',
    '{"train": [{"image": ["jpg/a.jpg"], "mask": "png/a.png", "fold": 0}, {"image": "jpg/B.JPG", "mask": 1}]}',
    '{"fold": 0, "trn": ["a.jpg"], "tst": [], "val": [""]}',
)
AFFIXES = (
    "GF2_0\nGF2_1\n\nGF2_0_15label\nGF2_1_15label",
    "img_1\nimg_2\n\nlabel_1_x\nlabel_2_x",
    "um_0\nuu_0\n\num_road_0\nuu_road_0",
    "a1\na2\na1m\na2m\n\na1m\na2m",
)
LABEL_NAMES = ("_background_\npea\n_background_\npea\n", "a\r\nb\na\r\nb\n", "one\n\none\n\n")
CLASS_MAPS = (
    "name,value\na,0\nb,#00FF00\nb,1 2 3\nignore,255\n",
    "sep=;\nname;value;index\na;(1, 2, 3);1\n# remark\nb;p15;0\nignore;*;\n",
    '\ufeffName\tValue\r\n"a, ""b"""\t65535\r\n"#c"\t#010203\r\n',
)
CLASS_FILES = (
    CLASS_MAPS[0],
    "# label:color_rgb:parts:actions\nbackground:0,0,0::\nroad:128.0,64,128::\ncar:64,0,128:door,wheel:stop\n",
    "background:::\nroad:::\n",
    "name,r,g,b\nAnimal,64,128,64\nVoid,0,0,0\n",
    "Pixel Value, Class\n0, background\n1, cat\n2, ignore\n",
    "64 128 64\tAnimal\n192 0 128\tArch way\n0 0 0 Void\n",
    "__ignore__\n_background_\ncat\ndog\n",
    "0: unlabeled\n1: person\n2: bicycle\n182: wood\n",
    "Idx\tRatio\tTrain\tVal\tName\n1\t0.15\t11664\t1172\twall\n2 \t0.1\t6046\t612\tbuilding, edifice \n",
    "1 255 0 0 255 building\n2 0 200 0 255 low, vegetation\n7 128 128 128 0 rock\n",
    "path: ../x\nnames:\n  0: road\n  1: 'a #1'  # a remark\nnc: 2\n",
    "names: [road, 'it''s', \"b\"]  # a remark\n",
    "names: {0: road, '1': sky}\n",
    "names:\n- road\n- sky\n",
    '{"labels": ["bg", "cat"], "segmentation_colors": [[0, 0, 0], [1, 2, 3]]}',
    '{"label_map": {"0": "bg", "3": "cat"}, "segmentation_colors": [null, [1, 2, 3]]}',
    '{"kiwi": [1, 1, 1], "lemon": [2, 3, 2]}',
    '[{"png_index": 2, "class_name": "dog", "color": "#4df3ceff"}, {"png_index": 1, "class_name": "cat"}]',
    '{"channel_names": {"0": "R"}, "labels": {"road": 1, "background": 0, "ignore": 2}, "numTraining": 3}',
    '{"modality": {"0": "R"}, "labels": {"0": "background", "1": "road"}}',
    "road\nlow vegetation\n",
    "id,name,group\n0,bg,x\n7.0,cat,x\n",
    "id,name,r,g,b\n4,a,1,2,3\n9,b,4,5,6\n",
    '{"0": "bg", "12": "cat"}',
    '{"id2label": {"0": "bg", "1": "cat"}, "label2id": {"bg": 0}}',
    '{"bg": 0, "cat": 1}',
    '# remark\nitem {\n  id: 2\n  name: \'a b\'\n  keypoints { id: 7 label: "x" }\n}\nitem { name: "b", id: 1 }\n',
    '{"labels": [{"name": "a", "color": [1, 2, 3], "evaluate": false}, {"name": "b", "color": [0, 0, 0]}]}',
    '[{"id": 7, "name": "a", "color": [1, 2, 3]}, {"id": "3", "name": "b", "color": [4, 5, 6]}]',
    "bg 0 0 0\nlow vegetation: (0, 255, 0)\ncar\t#FF0000\n",
    "0 bg\n1\tcat\n2, dog\n",
)
MANIFEST = Manifest(
    name="town",
    size=(2, 3),
    fit="pad",
    classes=(ClassInfo(0, "ground", (0, 0, 0), ("0", "*")), ClassInfo(1, "Straße", (22, 0, 255), ("#1600FF",))),
    splits={
        "train": SplitInfo(
            (ShardInfo("town-train.tfrecord-00000-of-00001", 3, 16, "ab" * 32),), 40, (10, 5), (3, 2), 3,
            channels=ChannelInfo((0.25, 127.5, 255.0), (0.5, 63.75, 0.0)), sizes=((576, 720, 2),),
        )
    },
    options={"seed": 0},
    written_by={"segconv": "0.1.0"},
    errors_sha256="ab" * 32,
    layout="voc",
    ignore_values=("#FFFF00",),
)  # fmt: skip
XMP = '<x:xmpmeta tiff:Orientation="3"/>'
RECORD = Record(b"\xff\xd8\xff", b"\x89PNG", "jpg/a.jpg", "png/ä.png", (480, 640))


def shard(records: Iterable[bytes]) -> bytes:
    buffer = io.BytesIO()
    writer = ShardWriter(buffer)
    for record in records:
        writer.write(record)
    return buffer.getvalue()


def draw(*shape: int, levels: int = 256) -> np.ndarray:
    return np.random.default_rng(len(shape)).integers(0, levels, shape, dtype=np.uint8)


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def pngs() -> list[bytes]:
    rgb, grey = Image.fromarray(draw(4, 6, 3)), Image.fromarray(draw(5, 4))
    palette = Image.fromarray(draw(4, 4, levels=3))
    palette.putpalette([0, 0, 0, 1, 2, 3, 200, 0, 0])
    text = PngImagePlugin.PngInfo()
    text.add_itxt("key", "ä", zip=True)
    text.add_text("key", "value", zip=True)
    text.add_itxt("XML:com.adobe.xmp", XMP)
    return [
        saved(rgb),
        saved(rgb, exif=turned(6), pnginfo=text),
        saved(rgb, transparency=(1, 2, 3), dpi=(72, 72)),
        saved(rgb.convert("RGBA")),
        saved(grey),
        saved(grey.convert("LA")),
        saved(grey.convert("1")),
        saved(palette, transparency=b"\0\xff"),
        saved(palette, bits=2),
        saved(Image.fromarray(draw(3, 5).astype(np.uint16) << 8)),
        saved(rgb, save_all=True, append_images=[rgb.rotate(180)]),
        png((2, 4), 2, 0, bytes([0, 0x1B, 0, 0xE4])),
        png((3, 3), 8, 0, bytes([0, 1, 0, 2, 0, 3, 0, 4, 5, 0, 6, 0, 7, 8, 0, 9, 9, 9]), interlaced=1),
    ]


def jpegs() -> list[bytes]:
    rgb = Image.fromarray(draw(9, 11, 3))
    return [
        saved(rgb, "JPEG"),
        saved(rgb, "JPEG", subsampling="4:4:4", exif=turned(1), comment=b"drawn", dpi=(72, 72)),
        saved(rgb, "JPEG", progressive=True, exif=turned(6)),
        saved(rgb, "JPEG", restart_marker_blocks=1, icc_profile=b"profile"),
        saved(rgb, "JPEG", keep_rgb=True, xmp=XMP.encode()),
        saved(rgb, "MPO", save_all=True, append_images=[rgb.rotate(180)]),
        saved(rgb.convert("L"), "JPEG"),
        saved(rgb.convert("CMYK"), "JPEG"),
    ]


def tiffs() -> list[bytes]:
    grey, rgb = draw(6, 9), Image.fromarray(draw(4, 6, 3))
    indices = Image.fromarray(draw(4, 4, levels=3))
    indices.putpalette([0, 0, 0, 1, 2, 3, 200, 0, 0])
    hand = [
        tiff(grey),
        tiff(grey, compression=8, part=(2, 9)),
        tiff(grey, compression=32773, order=">"),
        tiff(grey, part=(16, 16), is_tiled=True),
        tiff(grey, is_big=True),
        tiff(grey, {262: 0, 274: 3}),
        tiff(grey.astype(np.uint16), bits=16, order=">"),
        tiff(draw(4, 9, levels=2), bits=1),
        tiff(draw(4, 5, 3), is_planar=True),
        tiff(draw(4, 5, 4), {338: 2}),
    ]
    kinds = ("raw", "tiff_lzw", "jpeg", "tiff_adobe_deflate", "packbits")
    pillow = [saved(rgb, "TIFF", compression=kind) for kind in kinds]
    fax = [saved(Image.fromarray(grey).convert("1"), "TIFF", compression=kind) for kind in ("group3", "group4")]
    return [*hand, *pillow, *fax, saved(indices, "TIFF"), saved(rgb.convert("CMYK"), "TIFF")]


def bmps() -> list[bytes]:
    colors = [(1, 2, 3), (200, 0, 0), (9, 9, 8), (0, 255, 0)]
    rgb = Image.fromarray(draw(4, 5, 3))
    return [
        bmp(draw(3, 5, levels=2), 1, colors[:2]),
        bmp(draw(3, 5, levels=4), 4, colors),
        bmp(draw(3, 5, levels=4), 8, colors),
        saved(rgb, "BMP"),
        saved(rgb.convert("RGBA"), "BMP"),
        saved(rgb.convert("L"), "BMP"),
    ]


OTHER_FILES = [
    b'{"version": "5.0.1", "shapes": [], "imagePath": "p.jpg"}',
    b'\xef\xbb\xbf{"images": [], "annotations": [], "categories": []}',
    b"<annotation><object>",
    b"<?xml version='1.0'?><annotations>",
    b"0 0.1 0.1 0.5 0.1 0.5 1e-05\n3 .5 .5 1 0\n",
]


def gifs() -> list[bytes]:
    indices = Image.fromarray(draw(6, 9, levels=4), "P")
    indices.putpalette([0, 0, 0, 1, 2, 3, 200, 0, 0, 9, 9, 9])
    grey = Image.fromarray(draw(5, 4))
    return [
        saved(indices, "GIF"),
        saved(indices, "GIF", interlace=1, transparency=2, comment=b"drawn"),
        saved(indices, "GIF", loop=1, duration=40),
        saved(grey, "GIF", interlace=0),
        saved(grey.convert("1"), "GIF"),
    ]


def pnms() -> list[bytes]:
    rgb, grey = Image.fromarray(draw(4, 6, 3)), Image.fromarray(draw(5, 4))
    return [
        saved(rgb, "PPM"),
        saved(grey, "PPM"),
        saved(grey.convert("1"), "PPM"),
        saved(Image.fromarray(draw(3, 5).astype(np.uint16) << 8), "PPM"),
        b"P1 # by hand\n3 2\n0 1 0\n101\n",
        b"P2\n3 2\n15\n0 1 2\n3 # three\n 15 0\n",
        b"P3\r\n1 2 255\n1 2 3\n255 0 7\n",
        b"P5 3 1 1000\n\0\1\2\3\3\xe8",
        b"P6#x\n1 2 99\n\1\2\3cab",
    ]


def webps() -> list[bytes]:
    rgb = Image.fromarray(draw(9, 11, 3))
    flat = Image.fromarray(draw(4, 4, levels=3)).convert("RGB")
    return [
        saved(rgb, "WEBP", lossless=True),
        saved(flat, "WEBP", lossless=True, exif=turned(1)),
        saved(rgb, "WEBP", quality=80),
        saved(rgb, "WEBP", quality=80, exif=turned(6), icc_profile=b"profile"),
        saved(rgb.convert("RGBA"), "WEBP", lossless=True),
        saved(Image.fromarray(draw(6, 6, 4)), "WEBP", quality=60),
    ]


def tiffs_of_bands() -> list[bytes]:
    """Returns TIFF files of many bands or of more than 8 bits."""
    deep, shallow = draw(4, 6, 5).astype(np.uint16) * 200, draw(4, 6, 8)
    floats = np.linspace(-1, 300, 54, dtype=np.float32).reshape(6, 9)
    hand = [tiff(shallow, compression=kind) for kind in (1, 5, 8, 32773)]
    hand += [tiff(deep, bits=16, compression=kind, order=">") for kind in (5, 8)]
    hand += [
        tiff(deep, bits=16, is_planar=True, part=(3, 6)),
        tiff(deep, {317: 2}, bits=16, compression=8, part=(16, 16), is_tiled=True),
        tiff(shallow[..., :3], {339: (2, 2, 2)}),
        tiff(deep[..., :3], bits=32, is_big=True, order=">"),
        tiff(deep[..., :1], {262: 0}, bits=16),
        tiff(floats.view(np.uint32), {339: 3}, bits=32),
    ]
    kinds = ("raw", "tiff_lzw", "tiff_adobe_deflate")
    hand += [saved(Image.fromarray(floats), "TIFF", compression=kind, tiffinfo={317: 3}) for kind in kinds]
    return [*hand, saved(Image.fromarray(draw(6, 9).astype(np.int32)), "TIFF")]


RUN_INFO = {
    "config": {"data": "records", "runs": "runs", "model": "unet_small", "batch": 2, "crop": None, "tta": "none"},
    "dataset": "tiny",
    "records": "0" * 64,
    "size": [32, 48],
    "classes": ["ground", "roof"],
    "fit": "pad",
    "class_map": [
        {"id": 0, "name": "ground", "color": [90, 120, 60], "values": ["0"]},
        {"id": 1, "name": "roof", "color": [200, 60, 50], "values": ["1"]},
    ],
    "ignore_values": ["255"],
    "versions": {"keras": "3.15.1"},
    "photos": {"records_size": [32, 48], "size": [300, 400], "largest": [600, 800], "bands": [1, 2, 3], "levels": ""},
}

DEFAULTS = (
    '[build]\nsrc = "photos"\nsize = 360\nlist = ["val=v.txt"]\nkeep-size = false\nmax_bad = 2.5\n',
    '[train]\nepochs = 7\nloss = "dice"\nzoom = 0.5\nflip-vertical = true\n[inspect]\nstitch = ["a", "m.png"]\n',
)


def seeds(target: str) -> list[bytes]:
    """Returns the seeds of a target, which takes all of them but the animation."""
    second = dataclasses.replace(RECORD, original_size=(2**62, -1), file_name="")
    examples = [encode_record(RECORD), encode_record(second)]
    files = {
        "defaults": [text.encode() for text in DEFAULTS],
        "split_list": [text.encode() for text in SPLIT_LISTS],
        "table": [text.encode() for text in TABLES],
        "json_list": [text.encode() for text in JSON_LISTS],
        "other_file": OTHER_FILES,
        "affixes": [text.encode() for text in AFFIXES],
        "label_names": [text.encode() for text in LABEL_NAMES],
        "class_map": [text.encode() for text in CLASS_MAPS],
        "class_file": [text.encode() for text in CLASS_FILES],
        "manifest": [MANIFEST.to_json().encode(), dataclasses.replace(MANIFEST, size=None).to_json().encode()],
        "run_info": [json.dumps(RUN_INFO).encode(), json.dumps({**RUN_INFO, "photos": None}, indent=1).encode()],
        "object_notes": [
            b'{"give": ["a-train.tfrecord-00000-of-00001"], "delete": ["errors.jsonl"], "tags": {"a": "x"}}',
            b'{"give": [], "delete": [], "tags": {}, "machine": "", "process": 1, "start": "2"}',
        ],
        "example": examples,
        "shard": [shard(examples), shard([b""]), b""],
        "png_rows": [
            bytes([1, 3, 0, 0]) + bytes([0, 1, 2, 3, 4, 0, 5, 6, 7, 8]),
            bytes([2, 2, 5, 1]) + bytes(3 * 4 + 3 + 3 * 7 + 30),
        ],
        "world_file": [b"0.2\n0.0\n0.0\n-0.2\n500000.1\n4999999.9\n", b"1 0 0 -1 0 1e9"],
        "index": [b"0 58\n", b""],
        "evaluation": evaluation_seeds(),
        **annotation_seeds(),
    }
    pictures = {
        "png": pngs, "jpeg": jpegs, "tiff": tiffs, "bmp": bmps, "gif": gifs, "pnm": pnms, "webp": webps,
        "header": lambda: [*tiffs()[:4], *pngs()[:3], *bmps()[:2], *pnms()[:3], *gifs()[:1], *webps()[:1]],
        "bands": lambda: [*tiffs_of_bands(), *pngs()[-4:-3], *pnms()[3:4]],
    }  # fmt: skip
    return pictures[target]() if target in pictures else files[target]
