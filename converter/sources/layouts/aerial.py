"""Aerial: LoveDA, DeepGlobe, ISPRS Potsdam, LandCover.ai."""

from __future__ import annotations

import re
from collections import defaultdict

from converter.sources.layouts.pairing import FolderPair, Found, Named, Suffixes, match, pair_folders, split_in
from converter.sources.layouts.same_folder import same_folder
from converter.sources.layouts.words import JPEG, PNG
from converter.sources.names import stem_of
from converter.sources.tree import Tree, folder_list, parent_of


def loveda(tree: Tree) -> Found | str:
    """LoveDA: images_png and masks_png in Urban and Rural of each split."""
    areas = [name for name in tree.folders if name.rpartition("/")[2] in ("Urban", "Rural")]
    pairs = [FolderPair(f"{area}/images_png", f"{area}/masks_png", split_in(area)) for area in areas]
    found = pair_folders(tree, pairs, Suffixes())
    if not found.num_pairs:
        return f"{folder_list(areas)} without images_png/ and masks_png/ of the same names" if areas else ""
    paired = {parent_of(parent_of(image.image)) for image in found.images if image.mask}
    return found.as_layout(
        "loveda", f"images_png/ and masks_png/ side by side in {folder_list(paired)}", preset="loveda"
    )


def deepglobe(tree: Tree) -> Found | str:
    """DeepGlobe's land cover: N_sat.jpg and N_mask.png in one folder."""
    found = same_folder(tree, "deepglobe", Suffixes("_sat", "_mask", JPEG, PNG), "deepglobe")
    return found if isinstance(found, Found) or any(stem_of(name).endswith("_sat") for name in tree.files) else ""


def potsdam(tree: Tree) -> Found | str:
    """ISPRS Potsdam: top_potsdam_2_10_RGB.tif and top_potsdam_2_10_label.tif, in any folder."""
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
        there, missing = ("images", "label") if bands else ("masks", "RGB")
        return f"{there} of top_potsdam without top_potsdam_*_{missing}.tif" if kinds else ""
    evidence = [f"top_potsdam_*_{bands[0]}.tif and top_potsdam_*_label.tif"]
    if len(bands) > 1:
        evidence.append("_RGBIR exist too; use them with --image")
    return match(kinds[bands[0]], kinds["label"], splits).as_layout("potsdam", *evidence, preset="potsdam")


def landcover(tree: Tree) -> Found | str:
    """LandCover.ai, split into tiles by its own script: output/S.jpg and output/S_m.png."""
    found = pair_folders(tree, [FolderPair("output", "output")], Suffixes("", "_m"))
    return found.as_layout("landcover", "*.jpg and *_m.png in output/") if found.num_pairs else ""
