"""Pairing: folders of images and folders of masks -> images with their masks, by their names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from converter.errors import DataError
from converter.sources.names import IMAGE_EXTENSIONS, folded, split_of, stem_of
from converter.sources.refs import Reject
from converter.sources.tree import Tree

IMAGE_SUFFIXES = ("", "_sat", "_RGB", "_RGBIR", "_leftImg8bit", "_image", "_img", "_rgb")
MASK_SUFFIXES = (
    *("", "_mask", "_masks", "_m", "_label", "_labels", "_L", "_gt", "_GT", "_seg", "_segmentation", "_annotation"),
    *("_labelIds", "_labelTrainIds", "_gtFine_labelIds", "_gtFine_labelTrainIds"),
)


@dataclass(frozen=True)
class FolderPair:
    """A folder of images and the folder of their masks, which may be the same; `split` is "" if unknown."""

    images: str
    masks: str
    split: str = ""


@dataclass(frozen=True)
class Suffixes:
    """What follows the common part of two names, and the allowed extensions."""

    image: str = ""
    mask: str = ""
    image_types: tuple[str, ...] = IMAGE_EXTENSIONS
    mask_types: tuple[str, ...] = IMAGE_EXTENSIONS


@dataclass(frozen=True, slots=True)
class FoundImage:
    """An image: its path, the part of its name that its mask shares, its mask; `split` is "" if unknown."""

    split: str
    image: str
    stem: str
    mask: str | None


@dataclass(frozen=True)
class Found:
    """What a rule found.

    Attributes:
      name: of the layout.
      evidence: one clause each.
      images: with or without a mask.
      loose: masks without an image.
      others: files in folders of masks that have not the suffix of a mask.
      rejects: images or masks of the same name, which are ambiguous.
      preset: class map of this dataset, or None.
      list_folders: folders that may contain its split lists.
      class_file: path of the file that names its classes; "" if the layout has no such file.
    """

    name: str
    evidence: tuple[str, ...]
    images: tuple[FoundImage, ...]
    loose: tuple[str, ...]
    rejects: tuple[Reject, ...] = ()
    preset: str | None = None
    list_folders: tuple[str, ...] = ("", "splits", "split", "lists", "list")
    others: tuple[str, ...] = ()
    class_file: str = ""

    @property
    def num_pairs(self) -> int:
        """Number of images with a mask."""
        return sum(image.mask is not None for image in self.images)

    @property
    def paired_masks(self) -> set[str]:
        """Masks with an image."""
        return {image.mask for image in self.images if image.mask}

    @property
    def masks(self) -> set[str]:
        """All masks, with or without an image, and the other files in their folders."""
        return self.paired_masks | set(self.loose) | set(self.others)

    def as_layout(self, name: str, *evidence: str, preset: str | None = None, class_file: str = "") -> Found:
        """Returns it as a layout, with this evidence before the existing clauses."""
        return replace(self, name=name, evidence=(*evidence, *self.evidence), preset=preset, class_file=class_file)


@dataclass
class Named:
    """Images or masks by the part of the name that a pair shares; of two with the same name the first is kept."""

    paths: dict[tuple[str, str], str] = field(default_factory=dict)
    clashes: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def add(self, key: tuple[str, str], path: str) -> None:
        """Adds a file under its key, (group, stem)."""
        if self.paths.setdefault(key, path) != path:
            self.clashes.setdefault(key, [self.paths[key]]).append(path)


def match(images: Named, masks: Named, splits: dict[str, str]) -> Found:
    """Returns images with their masks: those with the same key are a pair, else those whose keys differ only in case.

    Args:
      images: by group and stem.
      masks: by group and stem; a stem that begins with "/" stands for a file that need not be a mask.
      splits: of each group.
    """
    rejects = [
        Reject(splits.get(key[0]) or "train", _clash(paths))
        for named in (images, masks)
        for key, paths in sorted(named.clashes.items())
    ]
    bad = images.clashes.keys() | masks.clashes.keys()
    lacking = {(group, folded(stem)) for group, stem in images.paths if (group, stem) not in masks.paths}
    free = [key for key in masks.paths if key not in images.paths and (key[0], folded(key[1])) in lacking]
    by_folded = Counter((group, folded(stem)) for group, stem in free)
    like = {(group, folded(stem)): (group, stem) for group, stem in free if by_folded[group, folded(stem)] == 1}
    found, used, in_other_case = [], set(bad), 0
    for key, path in images.paths.items():
        if key in bad:
            continue
        own = key if key in masks.paths else like.pop((key[0], folded(key[1])), None)
        in_other_case += own is not None and own != key
        found.append(FoundImage(splits.get(key[0], ""), path, key[1], masks.paths[own] if own else None))
        if own:
            used.add(own)
    left: tuple[list[str], list[str]] = [], []
    for key, path in masks.paths.items():
        if key not in used:
            left[key[1].startswith("/")].append(path)
    loose, others = (tuple(sorted(paths)) for paths in left)
    evidence = (f"{in_other_case} masks were found in a different case",) if in_other_case else ()
    return Found("", evidence, tuple(found), loose, tuple(rejects), others=others)


def _clash(paths: Sequence[str]) -> DataError:
    what = f"has the same name as {paths[0]}, except for the extension"
    return DataError(paths[1], what, "Remove one of them.", "E_DUPLICATE")


def pair_folders(tree: Tree, folders: Iterable[FolderPair], suffixes: Suffixes, *, loosely: bool = False) -> Found:
    """Returns the images of folders with the masks of the same name, apart from the suffixes.

    Args:
      tree: source folder.
      folders: which folders.
      suffixes: of the names.
      loosely: also returns the files without the suffix in the folders of masks, as `others`.
    """
    images, masks, splits = Named(), Named(), {}
    for pair in folders:
        splits[pair.images] = pair.split
        is_same = pair.images == pair.masks
        for name, path in tree.image_paths(pair.masks):
            stem = stem_of(name)
            if name.lower().endswith(suffixes.mask_types) and stem.endswith(suffixes.mask):
                masks.add((pair.images, stem.removesuffix(suffixes.mask)), path)
            elif loosely and not is_same:
                masks.add((pair.images, f"/{name}"), path)
        for name, path in tree.image_paths(pair.images):
            stem = stem_of(name)
            is_mask = is_same and suffixes.mask and stem.endswith(suffixes.mask)
            if name.lower().endswith(suffixes.image_types) and stem.endswith(suffixes.image) and not is_mask:
                images.add((pair.images, stem.removesuffix(suffixes.image)), path)
    return match(images, masks, splits)


def mirrored(tree: Tree, images: str, masks: str) -> list[FolderPair]:
    """Returns each folder with image files in or below `images`, and the same subfolder of `masks`."""
    below = [name for name in tree.image_files if name == images or name.startswith(f"{images}/")]
    return [FolderPair(name, masks + name.removeprefix(images), split_in(name)) for name in below]


def split_in(folder: str) -> str:
    """Returns the split of a folder by the first part of its path that names one; "" for none."""
    return next(filter(None, map(split_of, folder.split("/"))), "")


def best_suffixes(tree: Tree, folders: Sequence[FolderPair]) -> Suffixes:
    """Returns the suffixes that yield most pairs in `folders`, the first of equals."""
    stems = [_stems(tree, pair) for pair in folders]
    best, most = Suffixes(), 0
    for mask_suffix in MASK_SUFFIXES:
        bare = [{s.removesuffix(mask_suffix) for s in masks if s.endswith(mask_suffix)} for _, masks in stems]
        if not any(bare):
            continue
        for image_suffix in IMAGE_SUFFIXES:
            number = sum(
                len(names & {s.removesuffix(image_suffix) for s in images if s.endswith(image_suffix)})
                for (images, _), names in zip(stems, bare, strict=True)
            )
            if number > most:
                best, most = Suffixes(image_suffix, mask_suffix), number
        if most == sum(len(images) for images, _ in stems):
            break
    return best


def _stems(tree: Tree, pair: FolderPair) -> tuple[set[str], set[str]]:
    names = (tree.image_files.get(folder, ()) for folder in (pair.images, pair.masks))
    images, masks = ({stem_of(name) for name in part} for part in names)
    return images, masks
