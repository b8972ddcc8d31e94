"""Rules: what lies in a source folder -> the photographs and masks of one layout.

A rule takes the tree and returns what it has found, or in one clause what it has nearly found ("" for nothing). RULES
holds them in order; each row of data/README.md is one.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

from converter.errors import UsageError
from converter.layouts.pairing import (
    MASK_SUFFIXES,
    FolderPair,
    Found,
    Named,
    Suffixes,
    best_suffixes,
    match,
    mirrored,
    pair_folders,
    split_in,
)
from converter.layouts.tree import Tree, join
from converter.splits import split_of, stem_of

EXAMPLE = "--image 'images/{split}/{stem}.jpg' --mask 'masks/{split}/{stem}.png'"
MAX_CANDIDATES = 6  # in a message

Rule = Callable[[Tree], Found | str]

IMAGE_WORDS = (
    *("images", "image", "imgs", "img", "img_dir", "jpegimages", "photos", "photo", "jpg", "jpgs", "jpeg", "jpegs"),
    *("rgb", "pictures"),
)
MASK_WORDS = (
    *("masks", "mask", "labels", "label", "annotations", "annotation", "ann", "ann_dir", "annot", "gt", "png", "pngs"),
    *("segmentationclass", "segmentationclasspng", "segmentations", "stuffthingmaps", "pixelmaps", "groundtruth"),
)
SIBLING_TAILS = (
    *("annot", "_annot", "_labels", "_label", "_masks", "_mask", "_annotations", "_gt", "_GT", "_seg"),
    *("labels", "masks", "annotations", "-labels", "-masks"),
)
JPEG, PNG = (".jpg", ".jpeg"), (".png",)
STARTS = ("", "_sat", "_RGB", "_RGBIR", "_image", "_img")  # ends of photographs beside masks with an end of their own
VOC_LISTS = "ImageSets/Segmentation"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {'cities' if word == 'city' else word + 's'}"


def sides(folders: Iterable[str]) -> str:
    """Returns folders in words, the first few of them."""
    names = [f"{name}/" if name else "the source folder" for name in sorted(set(folders))]
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def voc(tree: Tree, *, is_cvat: bool) -> Found | str:
    """Pascal VOC and CVAT's "Segmentation mask 1.1": lists of stems in ImageSets/Segmentation."""
    if ("labelmap.txt" in tree.file_set) != is_cvat:
        return ""
    folders = ("JPEGImages", "SegmentationClass")
    lists = [name for name in tree.files if name.startswith(f"{VOC_LISTS}/") and name.endswith(".txt")]
    there = [name for name in folders if tree.has_pictures(name)]
    if not lists or len(there) < 2:
        missing = [name for name in folders if name not in there]
        return f"{VOC_LISTS}/ has lists, but {missing[0]}/ holds no pictures" if lists else ""
    found = pair_folders(tree, mirrored(tree, *folders), Suffixes(mask_types=PNG))
    evidence = f"{VOC_LISTS}/ beside JPEGImages/ and SegmentationClass/"
    if is_cvat:
        found = found.told("cvat", f"{evidence}, with labelmap.txt")
    else:
        found = found.told("voc", evidence, preset=_preset_of_names("voc", found, r"\d{4}_\d{6}"))
    return replace(found, list_folders=(VOC_LISTS,))


def labelme(tree: Tree) -> Found | str:
    """What labelme2voc writes: VOC's folders, and no list."""
    if not tree.has_pictures("JPEGImages") or any(name.startswith(f"{VOC_LISTS}/") for name in tree.files):
        return ""
    masks = [name for name in ("SegmentationClassPNG", "SegmentationClass") if tree.has_pictures(name)]
    if not masks:
        return "JPEGImages/ has photographs, but neither SegmentationClassPNG/ nor SegmentationClass/ has masks"
    found = pair_folders(tree, mirrored(tree, "JPEGImages", masks[0]), Suffixes(mask_types=PNG))
    return found.told("labelme", f"JPEGImages/ and {masks[0]}/ side by side, without ImageSets/")


def cityscapes(tree: Tree) -> Found | str:
    """Cityscapes: leftImg8bit and gtFine, a folder for each split and in it one for each city."""
    there = [name for name in ("leftImg8bit", "gtFine") if tree.has_pictures(name)]
    if len(there) < 2:
        return f"{there[0]}/ without {'gtFine' if there[0] == 'leftImg8bit' else 'leftImg8bit'}/" if there else ""
    folders = mirrored(tree, *there)
    ends = [end for end in ("labelIds", "labelTrainIds") if any(name.endswith(f"_{end}.png") for name in tree.files)]
    if not ends:
        return "leftImg8bit/ and gtFine/ side by side, but no mask ends in _gtFine_labelIds.png or _labelTrainIds.png"
    found = pair_folders(tree, folders, Suffixes("_leftImg8bit", f"_gtFine_{ends[0]}"))
    cities = {pair.images.rpartition("/")[2] for pair in folders}
    evidence = [f"leftImg8bit/ and gtFine/ side by side: {_count(len(cities), 'city')}", f"masks _gtFine_{ends[0]}"]
    if len(ends) > 1:
        evidence.append("_labelTrainIds are there too, and --mask takes them")
    return found.told("cityscapes", *evidence, preset="cityscapes" if ends[0] == "labelIds" else "cityscapes-train")


def nnunet(tree: Tree) -> Found | str:
    """nnU-Net v2 in two dimensions: imagesTr/CASE_0000.png and labelsTr/CASE.png."""
    if "imagesTr" not in tree.folders or "labelsTr" not in tree.folders:
        return ""
    if "dataset.json" not in tree.file_set:
        return "imagesTr/ and labelsTr/ side by side, but without dataset.json"
    images = tree.pictures.get("imagesTr", [])
    if any(stem_of(name).endswith("_0001") for name in images):
        return "imagesTr/ has several channels a case (_0001): write each case as one RGB photograph, CASE_0000.png"
    if not images:
        return "imagesTr/ has no pictures: volumes such as .nii.gz have to be cut into PNG slices first"
    types = (".png", ".tif", ".tiff", ".bmp")
    folders = [FolderPair("imagesTr", "labelsTr", "train"), FolderPair("imagesTs", "labelsTs", "test")]
    found = pair_folders(tree, folders, Suffixes("_0000", "", types, types))
    return found.told("nnunet", "imagesTr/ and labelsTr/ beside dataset.json")


def supervisely(tree: Tree) -> Found | str:
    """Supervisely's export as masks: img and masks_machine in each data set."""
    folders = [name for name in tree.pictures if name.rpartition("/")[2] == "masks_machine"]
    images = {name: join(name.rpartition("/")[0], "img") for name in folders}
    pairs = [FolderPair(images[name], name, split_in(name)) for name in folders if images[name] in tree.pictures]
    if not pairs:
        return f"{sides(folders)} without img/ beside it" if folders else ""
    found = pair_folders(tree, pairs, Suffixes())
    return found.told("supervisely", f"img/ and masks_machine/ side by side in {sides(map(_parent, folders))}")


def _parent(folder: str) -> str:
    return folder.rpartition("/")[0]


def roboflow(tree: Tree) -> Found | str:
    """Roboflow's semantic masks: x.jpg, x_mask.png and _classes.csv in one folder for each split."""
    folders = [_parent(name) for name in tree.files if name.rpartition("/")[2] == "_classes.csv"]
    found = pair_folders(tree, [FolderPair(name, name, split_in(name)) for name in folders], Suffixes("", "_mask"))
    if not found.num_pairs:
        return f"_classes.csv in {sides(folders)}, but no photograph there has its _mask.png" if folders else ""
    return found.told("roboflow", f"_classes.csv and *_mask.png in {sides(folders)}")


def ade20k(tree: Tree) -> Found | str:
    """ADE20K as of the scene parsing challenge: images and annotations, in each training and validation."""
    there = [name for name in ("images/training", "annotations/training") if tree.has_pictures(name)]
    if len(there) < 2:
        return (
            f"{there[0]}/ has pictures, but there is no "
            + ("annotations/training/" if there[0].startswith("images") else "images/training/")
            if there
            else ""
        )
    found = pair_folders(tree, mirrored(tree, "images", "annotations"), Suffixes())
    preset = _preset_of_names("ade20k", found, r"ADE_(?:train|val)_\d{8}")
    return found.told("ade20k", "images/training/ and annotations/training/", preset=preset)


def _preset_of_names(preset: str, found: Found, pattern: str) -> str | None:
    """Returns a preset where all photographs bear its names: many use its folders for classes of their own."""
    return preset if all(re.fullmatch(pattern, photo.stem, re.ASCII) for photo in found.photos) else None


def loveda(tree: Tree) -> Found | str:
    """LoveDA: images_png and masks_png in Urban and Rural of each split."""
    areas = [name for name in tree.folders if name.rpartition("/")[2] in ("Urban", "Rural")]
    pairs = [FolderPair(f"{area}/images_png", f"{area}/masks_png", split_in(area)) for area in areas]
    found = pair_folders(tree, pairs, Suffixes())
    if not found.num_pairs:
        return f"{sides(areas)} without images_png/ and masks_png/ of the same names" if areas else ""
    paired = {_parent(_parent(photo.image)) for photo in found.photos if photo.mask}
    return found.told("loveda", f"images_png/ and masks_png/ side by side in {sides(paired)}", preset="loveda")


def same_folder(tree: Tree, name: str, suffixes: Suffixes, preset: str | None = None) -> Found | str:
    """A photograph and its mask in one folder, told by the ends of their names."""
    end = suffixes.mask
    folders = [
        folder for folder, names in tree.pictures.items() if not end or any(stem_of(n).endswith(end) for n in names)
    ]
    found = pair_folders(tree, [FolderPair(folder, folder, split_in(folder)) for folder in tree.pictures], suffixes)
    if not found.num_pairs:
        return f"{sides(folders)} has names with {end}, but no photograph goes with them" if end and folders else ""
    photos = f"*{suffixes.image}" + (".jpg" if suffixes.image_types == JPEG else ".*")
    masks = f"*{end}" + (".png" if suffixes.mask_types == PNG else ".*")
    paired = {photo.image.rpartition("/")[0] for photo in found.photos if photo.mask}
    return found.told(name, f"{photos} and {masks} in one folder: {sides(paired)}", preset=preset)


def deepglobe(tree: Tree) -> Found | str:
    """DeepGlobe's land cover: N_sat.jpg and N_mask.png in one folder."""
    found = same_folder(tree, "deepglobe", Suffixes("_sat", "_mask", JPEG, PNG), "deepglobe")
    return found if isinstance(found, Found) or any(stem_of(name).endswith("_sat") for name in tree.files) else ""


def potsdam(tree: Tree) -> Found | str:
    """ISPRS Potsdam: top_potsdam_2_10_RGB.tif and top_potsdam_2_10_label.tif, wherever they lie."""
    kinds: defaultdict[str, Named] = defaultdict(Named)
    splits: dict[str, str] = {}
    for path in tree.files:
        folder, _, name = path.rpartition("/")
        if match_ := re.fullmatch(r"(top_potsdam_\d+_\d+)_(RGB|RGBIR|label)\.tiff?", name, re.ASCII):
            split = split_in(folder)
            splits[split] = split
            kinds[match_[2]].add((split, match_[1]), path)
    bands = [band for band in ("RGB", "RGBIR") if band in kinds]
    if not bands or "label" not in kinds:
        there, missing = ("photographs", "label") if bands else ("masks", "RGB")
        return f"{there} of top_potsdam without top_potsdam_*_{missing}.tif" if kinds else ""
    evidence = [f"top_potsdam_*_{bands[0]}.tif and top_potsdam_*_label.tif"]
    if len(bands) > 1:
        evidence.append("_RGBIR are there too, and --image takes them")
    return match(kinds[bands[0]], kinds["label"], splits).told("potsdam", *evidence, preset="potsdam")


def landcover(tree: Tree) -> Found | str:
    """LandCover.ai, cut by its own script: output/S.jpg and output/S_m.png."""
    found = pair_folders(tree, [FolderPair("output", "output")], Suffixes("", "_m"))
    return found.told("landcover", "*.jpg and *_m.png in output/") if found.num_pairs else ""


def suffix(tree: Tree) -> Found | str:
    """A photograph and its mask in one folder, told by any of the usual ends, one for the whole data set."""
    numbers: Counter[tuple[str, str]] = Counter()
    for names in tree.pictures.values():
        stems = {stem_of(name) for name in names}
        for stem in stems:
            if stem.endswith(MASK_SUFFIXES[1:]):
                ends = [end for end in MASK_SUFFIXES[1:] if stem.endswith(end)]
                numbers.update(
                    (start, end) for end in ends for start in STARTS if stem.removesuffix(end) + start in stems
                )
    if not numbers:
        return ""
    order = {ends: place for place, ends in enumerate(itertools.product(STARTS, MASK_SUFFIXES))}
    best = min(numbers, key=lambda ends: (-numbers[ends], order[ends]))  # a set has no order of its own
    return same_folder(tree, "suffix", Suffixes(*best))


def siblings(tree: Tree) -> Found | str:
    """A folder S and beside it its masks in Sannot, S_labels, S_masks and the like: Kaggle's and SegNet's CamVid."""
    pairs = [
        FolderPair(folder, folder + tail, split_in(folder))
        for folder in tree.pictures
        for tail in SIBLING_TAILS
        if folder and folder + tail in tree.pictures
    ]
    return _paired(tree, "siblings", pairs, "")


def folders(tree: Tree, *, is_mmseg: bool) -> Found | str:
    """A folder of photographs and one of masks, told by their names, each with or without folders for the splits."""
    pairs = [pair for pair in _word_pairs(tree) if (_is_mmseg(pair.images) and _is_mmseg(pair.masks)) == is_mmseg]
    if is_mmseg:
        return _paired(tree, "mmseg", pairs, "")
    return _paired(tree, "dirs", pairs, _photos_alone(tree))


def _is_mmseg(folder: str) -> bool:
    return not {"img_dir", "ann_dir"}.isdisjoint(folder.split("/"))


def _word_pairs(tree: Tree) -> list[FolderPair]:
    """Returns folders whose paths are the same but for one word, which means photographs in one and masks in the other.

    images/train with masks/train, train/img with train/gt, val_jpg with val_png,
    images_prepped_train with annotations_prepped_train.
    """
    masks: defaultdict[str, list[str]] = defaultdict(list)
    for folder in tree.pictures:
        for place, _ in _places(folder, _MASKS):
            masks[place].append(folder)
    return sorted(
        {
            FolderPair(folder, other, split)
            for folder in tree.pictures
            for place, split in _places(folder, _IMAGES)
            for other in masks.get(place, ())
            if other != folder
        },
        key=lambda pair: (pair.images, pair.masks),
    )


def _word_pattern(words: Iterable[str]) -> re.Pattern[str]:
    longest_first = "|".join(sorted(words, key=len, reverse=True))
    return re.compile(rf"(?:(.+)[_-])?(?:{longest_first})(?:_png|_jpg)?(?:[_-](.+))?", re.IGNORECASE)


_IMAGES, _MASKS = _word_pattern(IMAGE_WORDS), _word_pattern(MASK_WORDS)


def _places(folder: str, words: re.Pattern[str]) -> list[tuple[str, str]]:
    """Returns (path with the word left out, split) for each part of a path that is one of the words."""
    parts = folder.split("/")
    found = []
    for number, part in enumerate(parts):
        if word := words.fullmatch(part):
            before, after = word[1] or "", word[2] or ""
            own = (split_of(before) or split_of(after) or split_of(re.split("[_-]", after)[-1])) or split_in(folder)
            found.append(("/".join([*parts[:number], f"{before}*{after}", *parts[number + 1 :]]), own))
    return found


def _paired(tree: Tree, name: str, pairs: list[FolderPair], near: str) -> Found | str:
    """Returns what folders hold in pairs; `near` where there are none.

    Raises:
      UsageError: a folder goes with two others.
    """
    if not pairs:
        return near
    suffixes = best_suffixes(tree, pairs)
    pairs = [pair for pair in pairs if pair_folders(tree, [pair], suffixes).num_pairs] or pairs
    photos, masks = ([getattr(pair, side) for pair in pairs] for side in ("images", "masks"))
    for own, others in ((photos, masks), (masks, photos)):
        if double := [folder for folder in own if own.count(folder) > 1]:
            which = [other for folder, other in zip(own, others, strict=True) if folder == double[0]]
            raise refusal(tree, "has more than one layout", [f"{double[0]}/ goes with each of {sides(which)}"])
    found = pair_folders(tree, _with_other_splits(tree, pairs), suffixes, loosely=True)
    both = f"{sides(photos)} and {sides(masks)}"
    if not found.num_pairs:
        names = [names[0] for names in (tree.pictures[photos[0]], tree.pictures[masks[0]])]
        return f"{both} lie side by side, but no two names agree ({names[0]}, {names[1]})"
    evidence = [f"{both} side by side"]
    if suffixes.image or suffixes.mask:
        evidence.append(f"names end in {suffixes.image or 'nothing'} and {suffixes.mask or 'nothing'}")
    return found.told(name, *evidence)


def _with_other_splits(tree: Tree, pairs: list[FolderPair]) -> list[FolderPair]:
    """Adds the folders of photographs that lie beside those of `pairs` but have no masks, such as images/test."""
    known = {pair.images for pair in pairs}
    parents = {_parent(pair.images) for pair in pairs if pair.split and split_of(pair.images.rpartition("/")[2])}
    others = [
        FolderPair(folder, f"{folder}/", split_in(folder))
        for folder in tree.pictures
        if folder not in known and split_of(folder.rpartition("/")[2]) and _parent(folder) in parents
    ]
    return [*pairs, *others]


def _photos_alone(tree: Tree) -> str:
    """Returns in words which folder has photographs or masks without their partner."""
    for words, sort, other in ((_IMAGES, "photograph", "masks"), (_MASKS, "mask", "photographs")):
        for folder, names in tree.pictures.items():
            if _places(folder, words):
                return f"{folder}/ has {_count(len(names), sort)}, but no folder of {other} beside it"
    return ""


RULES: dict[str, tuple[Rule, str]] = {
    "voc": (partial(voc, is_cvat=False), "Pascal VOC: ImageSets/Segmentation, JPEGImages, SegmentationClass"),
    "cvat": (partial(voc, is_cvat=True), "CVAT: VOC's folders with labelmap.txt"),
    "labelme": (labelme, "labelme2voc: JPEGImages and SegmentationClassPNG, without lists"),
    "cityscapes": (cityscapes, "leftImg8bit and gtFine"),
    "nnunet": (nnunet, "nnU-Net v2, 2D: imagesTr, labelsTr, dataset.json"),
    "supervisely": (supervisely, "Supervisely: img and masks_machine in each data set"),
    "roboflow": (roboflow, "Roboflow: x.jpg, x_mask.png and _classes.csv in one folder for each split"),
    "ade20k": (ade20k, "images/training and annotations/training"),
    "loveda": (loveda, "LoveDA: images_png and masks_png in Urban and Rural"),
    "deepglobe": (deepglobe, "N_sat.jpg and N_mask.png in one folder"),
    "potsdam": (potsdam, "top_potsdam_*_RGB.tif and top_potsdam_*_label.tif"),
    "landcover": (landcover, "LandCover.ai: output/S.jpg and output/S_m.png"),
    "mmseg": (partial(folders, is_mmseg=True), "MMSegmentation: img_dir and ann_dir"),
    "dirs": (partial(folders, is_mmseg=False), "images and masks, or other such names, with or without split folders"),
    "siblings": (siblings, "S and beside it Sannot, S_labels, S_masks"),
    "suffix": (suffix, "photograph and mask in one folder: S.jpg and S_mask.png, S_label.png"),
    "coco-stuff": (
        partial(same_folder, name="coco-stuff", suffixes=Suffixes("", "", JPEG, PNG)),
        "S.jpg and S.png in one folder",
    ),
}

LAYOUTS = {
    "list": "lists whose lines name a photograph and its mask",
    **{name: text for name, (_, text) in RULES.items()},
}


def refusal(tree: Tree, what: str, candidates: Sequence[str]) -> UsageError:
    """Returns the error for a folder that no one rule fits, with what was nearly found and how to say what it is."""
    if candidates:
        what += ": " + "; ".join(candidates[:MAX_CANDIDATES])
    known = f"--layout ({', '.join(LAYOUTS)})"
    return UsageError(tree.src, what, f"Name it with {known}, or say where the files are: {EXAMPLE}.", "E_LAYOUT")
