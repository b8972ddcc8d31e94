"""Registry: every known layout, in the order in which they are tried. Each is one row in data/README.md.

To add a layout, add one row here and one function that takes the tree. It returns what it found, or a clause that
describes a near match ("" for none).
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

from converter.sources.layouts.pairing import Found
from converter.sources.tree import Tree

LIST = "list"  # the layout of lists whose lines name both files of a pair; it is tried first and is not a rule


@dataclass(frozen=True)
class Rule:
    """A layout, as a rule that finds images and masks in a tree.

    Attributes:
      text: what such a folder contains, for messages.
      finder: "module:function" of the rule; imported on first use.
      is_general: also fits folders inside a dataset of another layout; such rules come last.
      mark: name of a folder that only this layout has, to detect a dataset below the source folder; or "".
      has_preset: whether it is the layout of a well-known dataset with a preset class map.
      is_last: only where no other rule fits.
    """

    text: str
    finder: str
    is_general: bool = False
    mark: str = ""
    has_preset: bool = False
    is_last: bool = False

    def find(self, tree: Tree) -> Found | str:
        """Returns what the rule found in a tree, or a clause that describes a near match; "" for none."""
        finder: Callable[[Tree], Found | str] = pkgutil.resolve_name(self.finder)
        return finder(tree)


_HERE = "converter.sources.layouts"
RULES: dict[str, Rule] = {
    "voc": Rule(
        "Pascal VOC: ImageSets/Segmentation, JPEGImages, SegmentationClass",
        f"{_HERE}.voc:voc",
        mark="ImageSets",
        has_preset=True,
    ),
    "cvat": Rule("CVAT: VOC's folders with labelmap.txt", f"{_HERE}.voc:cvat"),
    "labelme": Rule("labelme2voc: JPEGImages and SegmentationClassPNG, without lists", f"{_HERE}.voc:labelme"),
    "labelme-json": Rule(
        "labelme_json_to_dataset: img.png, label.png and label_names.txt in a folder for each image",
        f"{_HERE}.labelme_json:labelme_json",
    ),
    "cityscapes": Rule("leftImg8bit and gtFine", f"{_HERE}.cityscapes:cityscapes", mark="leftImg8bit", has_preset=True),
    "nnunet": Rule("nnU-Net v2, 2D: imagesTr, labelsTr, dataset.json", f"{_HERE}.nnunet:nnunet", mark="imagesTr"),
    "supervisely": Rule("Supervisely: img and masks_machine in each dataset", f"{_HERE}.supervisely:supervisely"),
    "roboflow": Rule(
        "Roboflow: x.jpg, x_mask.png and _classes.csv in one folder for each split", f"{_HERE}.roboflow:roboflow"
    ),
    "ade20k": Rule("images/training and annotations/training", f"{_HERE}.ade20k:ade20k", has_preset=True),
    "loveda": Rule("LoveDA: images_png and masks_png in Urban and Rural", f"{_HERE}.aerial:loveda", has_preset=True),
    "deepglobe": Rule("N_sat.jpg and N_mask.png in one folder", f"{_HERE}.aerial:deepglobe", has_preset=True),
    "potsdam": Rule("top_potsdam_*_RGB.tif and top_potsdam_*_label.tif", f"{_HERE}.aerial:potsdam", has_preset=True),
    "landcover": Rule("LandCover.ai: output/S.jpg and output/S_m.png", f"{_HERE}.aerial:landcover"),
    "mmseg": Rule("MMSegmentation: img_dir and ann_dir", f"{_HERE}.folders:mmseg", is_general=True),
    "dirs": Rule(
        "images and masks, or similar names, with or without split folders",
        f"{_HERE}.folders:dirs",
        is_general=True,
    ),
    "siblings": Rule("S next to Sannot, S_labels or S_masks", f"{_HERE}.folders:siblings", is_general=True),
    "suffix": Rule(
        "image and mask in one folder: S.jpg and S_mask.png or S_label.png",
        f"{_HERE}.same_folder:suffix",
        is_general=True,
    ),
    "coco-stuff": Rule("S.jpg and S.png in one folder", f"{_HERE}.same_folder:coco_stuff", is_general=True),
    "stems": Rule(
        "two folders anywhere below with files of the same names, apart from a constant text",
        f"{_HERE}.by_stems:by_stems",
        is_general=True,
        is_last=True,
    ),
}
LAYOUTS: dict[str, str] = {  # name -> what such a folder contains
    LIST: "lists whose lines name an image and its mask",
    **{name: rule.text for name, rule in RULES.items()},
}
