"""Others: the files of a source folder that are neither read images nor lists: what they are, and what to do with them.

Annotations as text, arrays and images of other formats are recognised by their extension or their first bytes, so that
a report names them instead of passing them over.
"""

from __future__ import annotations

import os
import posixpath
import re
import shlex
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from converter.limits import MAX_OTHER_BYTES, MAX_OTHER_GROUPS
from converter.sources.names import has_extension, stem_of
from converter.sources.refs import Unused
from converter.system.files import open_regular

CODE = "W_UNREAD_FILES"


@dataclass(frozen=True)
class Kind:
    """A kind of file that is not read.

    Attributes:
      text: what one such file is, such as "a labelme file".
      fix: what to do so that segconv can read what it holds.
      is_annotation: holds shapes as text, which is no loss where its image has a mask.
    """

    text: str
    fix: str
    is_annotation: bool = False


_MASKS = "Draw it into masks: segconv masks --src {src} --out {out}."
_PNG = "Convert it to PNG first"
_ARRAY = "Save each array as a PNG mask first"
_BOXES = "Boxes do not say which pixels are which class: provide masks."
KINDS = {
    "labelme": Kind("a labelme file", _MASKS, True),
    "coco": Kind("a COCO file", _MASKS, True),
    "cvat": Kind("a CVAT XML file", _MASKS, True),
    "voc": Kind("a Pascal VOC file of boxes", _BOXES, True),
    "yolo": Kind("a YOLO file of polygons", _MASKS, True),
    "boxes": Kind("a YOLO file of boxes", _BOXES, True),
    "via": Kind("a VIA file", _MASKS, True),
    "labelstudio": Kind("a Label Studio file", _MASKS, True),
    "supervisely": Kind("a Supervisely file", _MASKS, True),
    "geojson": Kind("a GeoJSON file", "Burn its polygons into masks first, with `gdal_rasterize`.", True),
    "npy": Kind("a NumPy array", f"{_ARRAY}: `Image.fromarray(np.load(file).astype('uint8')).save(...)`."),
    "npz": Kind("a NumPy archive", f"{_ARRAY}: `Image.fromarray(np.load(file)[key].astype('uint8')).save(...)`."),
    "mat": Kind("a MATLAB file", f"{_ARRAY}, with `scipy.io.loadmat`.", True),
    "hdf5": Kind("an HDF5 file", f"{_ARRAY}, with `h5py`."),
    "heic": Kind("a HEIC image", f"{_PNG}: `heif-convert file.heic file.png`."),
    "avif": Kind("an AVIF image", f"{_PNG}: `avifdec file.avif file.png`."),
    "jxl": Kind("a JPEG XL image", f"{_PNG}: `djxl file.jxl file.png`."),
    "jp2": Kind("a JPEG 2000 image", f"{_PNG}: `opj_decompress -i file.jp2 -o file.png`."),
    "tga": Kind("a TGA or EXR image", f"{_PNG}: `magick file.tga file.png`."),
    "raw": Kind("a raw camera image", f"{_PNG}, with darktable-cli or rawpy."),
    "dicom": Kind("a DICOM image", f"{_PNG}, with pydicom."),
    "nifti": Kind("a volume of slices", "Save its slices as PNG first, with nibabel or SimpleITK."),
    "psd": Kind("a Photoshop file", f"{_PNG}: export each layer that is a mask."),
    "svg": Kind("an SVG drawing", f"{_PNG}, without anti-aliasing.", True),
    "video": Kind("a video", "Save its frames as images first: `ffmpeg -i file.mp4 images/%06d.png`."),
}
_EXTENSIONS = {
    ".npy": "npy", ".npz": "npz", ".mat": "mat", ".h5": "hdf5", ".hdf5": "hdf5", ".heic": "heic", ".heif": "heic",
    ".avif": "avif", ".jxl": "jxl", ".jp2": "jp2", ".j2k": "jp2", ".j2c": "jp2", ".jpx": "jp2", ".tga": "tga",
    ".exr": "tga", ".dng": "raw", ".cr2": "raw", ".cr3": "raw", ".nef": "raw", ".arw": "raw", ".raf": "raw",
    ".rw2": "raw", ".dcm": "dicom", ".nii": "nifti", ".nii.gz": "nifti", ".mha": "nifti", ".nrrd": "nifti",
    ".psd": "psd", ".svg": "svg", ".mp4": "video", ".avi": "video", ".mov": "video", ".mkv": "video",
    ".geojson": "geojson",
}  # fmt: skip
TEXTS = (".json", ".xml", ".txt", ".csv", ".ndjson", ".jsonl")  # read to see what they are
_PER_IMAGE = frozenset({"labelme", "voc", "yolo", "boxes", "supervisely", "svg"})  # one file an image, of its name
_NUMBER = r"(?:0|1|[0-9]e-[0-9]+|[01]?\.[0-9]+(?:e-?[0-9]+)?|1\.0*)"
_YOLO = re.compile(rf"[0-9]{{1,4}}((?:[ \t]+{_NUMBER})+)[ \t\r]*(?:\n|$)", re.IGNORECASE)
_VIA_TABLES = ("region_shape_attributes", "CSV_HEADER = metadata_id")
_KEYS = (  # keys that together are in one kind of JSON alone
    ("labelme", ("shapes", "imagePath")),
    ("labelme", ("flags", "shapes", "points")),  # whose shapes fill what is read of it
    ("via", ("_via_img_metadata",)),
    ("via", ("regions", "shape_attributes")),
    ("via", ("metadata", "vid", "xy")),
    ("via", ("project", "attribute", "view")),
    ("supervisely", ("objects", "classTitle", "geometryType")),
    ("supervisely", ("tags", "objects", "size")),
    ("coco", ("images", "annotations")),
    ("coco", ("annotations", "categories")),
    ("coco", ("images", "file_name", "height", "width")),  # whose images fill what is read of it
    ("coco", ("annotations", "image_id", "segmentation")),
    ("coco", ("annotations", "image_id", "segments_info")),
    ("labelstudio", ("annotations", "result", "data")),
    ("labelstudio", ("from_name", "to_name")),
    ("geojson", ("FeatureCollection",)),
)


def kind_of(name: str, head: bytes = b"") -> str | None:
    """Returns the key in KINDS of a file, by its name and the first bytes of a text; None for any other file.

    Args:
      name: of the file.
      head: its first bytes; used for JSON, XML and TXT.
    """
    lower, extension = name.lower(), _extension(name)
    if extension not in TEXTS:
        return _EXTENSIONS.get(extension)
    text = head.decode("utf-8-sig", "replace")
    if lower.endswith(".xml"):
        return next((kind for kind, tag in (("cvat", "<annotations"), ("voc", "<annotation")) if tag in text), None)
    if lower.endswith(".csv"):
        return "via" if any(mark in text for mark in _VIA_TABLES) else None
    if lower.endswith(".txt"):
        match = _YOLO.match(text)
        numbers = len(match[1].split()) if match else 0
        return "boxes" if numbers == 4 else "yolo" if numbers >= 6 and numbers % 2 == 0 else None
    return next((kind for kind, keys in _KEYS if all(f'"{key}"' in text for key in keys)), None)


def unread_image(name: str) -> Kind | None:
    """Returns the kind of an image or array that is not read, by the extension of its name; None for any other file."""
    key = _EXTENSIONS.get(_extension(name))
    return KINDS[key] if key and not has_extension(name) else None


def unread_files(
    src: Path, files: Iterable[str], outside: Collection[str], with_masks: Iterable[str] | None
) -> list[Unused]:
    """Returns what is in a source folder and cannot be read, one entry for each kind and folder.

    Args:
      src: source folder.
      files: paths of all files in it.
      outside: links that lead out of it and are not followed.
      with_masks: images that have a mask: their annotations are not needed. None: no pair was found at all.
    """
    have: set[str] | None = None  # made when it is needed, which is seldom
    groups: dict[tuple[str, str], list[str]] = {}
    for name in files:
        extension = _extension(name)
        if (extension in _EXTENSIONS or extension in TEXTS) and not has_extension(name):
            groups.setdefault((posixpath.dirname(name), extension), []).append(name)
    found = []
    for names in list(groups.values())[:MAX_OTHER_GROUPS]:
        names.sort()
        key = _first_kind(src, names)
        if key is None:
            continue
        kind = KINDS[key]
        if kind.is_annotation and with_masks is not None:
            if have is None:
                have = {stem_of(posixpath.basename(name)) for name in with_masks}
            stems = ((name, stem_of(posixpath.basename(name).rpartition(".")[0])) for name in names)
            names = [name for name, stem in stems if key in _PER_IMAGE and stem not in have]
        if names:
            found.append(_unused(src, names, kind))
    if outside:
        count = _count(len(outside), "link leads", "links lead")
        what = f"{count} out of the source folder and {'is' if len(outside) == 1 else 'are'} not followed"
        found.append(Unused(CODE, min(outside), what, "Pass --follow-links to allow it."))
    return found


def _extension(name: str) -> str:
    """Returns the extension in lower case; .gz with the one before it."""
    lower = name.lower()
    return ".nii.gz" if lower.endswith(".nii.gz") else posixpath.splitext(lower)[1]


def _first_kind(src: Path, names: list[str]) -> str | None:
    """Returns the kind of the first of some files that is recognised; three are tried."""
    for name in names[:3]:
        if key := kind_of(name, text_head(src / name) if name.lower().endswith(TEXTS) else b""):
            return key
    return None


def text_head(path: Path) -> bytes:
    """Returns the first bytes of a file, enough for `kind_of`; b"" where it cannot be read."""
    try:
        with open_regular(path) as file:
            return file.read(MAX_OTHER_BYTES)
    except OSError:
        return b""


def _unused(src: Path, names: list[str], kind: Kind) -> Unused:
    more = f" with {len(names) - 1:,} more such in its folder" if len(names) > 1 else ""
    if kind.fix == _MASKS:
        return Unused(CODE, names[0], f"is {kind.text}{more}, not drawn into masks yet", masks_fix(src, _MASKS))
    return Unused(CODE, names[0], f"is {kind.text}{more}, which segconv does not read", kind.fix)


def masks_fix(src: Path, text: str) -> str:
    """Returns a remedy with the folders that `segconv masks` reads and writes, for {src} and {out} in a text."""
    name = f"{Path(os.path.realpath(src)).name}-masks"
    out = src / ".." / name if src.name in ("", "..") else src.with_name(name)  # "." has no name
    return text.format(src=shlex.quote(str(src)), out=shlex.quote(str(out)))


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
