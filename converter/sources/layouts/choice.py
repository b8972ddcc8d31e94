"""Choice: several folders could be the masks -> an error with the exact --image and --mask of each candidate."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from converter.errors import UsageError
from converter.limits import MAX_CANDIDATES
from converter.sources.layouts.affixes import Affixes, group_of, infer
from converter.sources.layouts.pairing import FolderPair, best_suffixes, pair_folders
from converter.sources.layouts.words import JPEG
from converter.sources.names import split_of
from converter.sources.tree import Tree, count_of, folder_list


class Candidate(NamedTuple):
    """Folders of images and of masks that fit each other.

    Attributes:
      folders: each folder of images with that of its masks.
      num_pairs: in all of them.
      image: what precedes and follows the common part of a name, of images; None where the names differ otherwise.
      mask: the same of masks.
      is_lossy: whether the images are the JPEG files of their folders, beside other files.
    """

    folders: tuple[FolderPair, ...]
    num_pairs: int
    image: tuple[str, str] | None = ("", "")
    mask: tuple[str, str] | None = ("", "")
    is_lossy: bool = False

    @property
    def image_folders(self) -> tuple[str, ...]:
        """The folders of images, each once."""
        return tuple(dict.fromkeys(pair.images for pair in self.folders))

    @property
    def mask_folders(self) -> tuple[str, ...]:
        """The folders of masks, each once."""
        return tuple(dict.fromkeys(pair.masks for pair in self.folders))

    def options(self, tree: Tree) -> str:
        """Returns the options that choose it, for a shell; "" where templates cannot express it."""
        if self.image is None or self.mask is None:
            return ""
        folders = _folder_templates(self.folders)
        if folders is None:
            return ""
        words = []
        paths = "".join(f"{pair.images}{pair.masks}" for pair in self.folders)
        for option, folder, (start, end), names in (
            ("--image", folders[0], self.image, _names(tree, self.image_folders)),
            ("--mask", folders[1], self.mask, _names(tree, self.mask_folders)),
        ):
            literal = f"{paths}{start}{end}"
            if not literal.isprintable() or any(character in literal for character in "{}*\\"):
                return ""
            if self.is_lossy:
                names = [name for name in names if name.lower().endswith(JPEG) == (option == "--image")]
            path = "/".join([*folder, f"{start}{{stem}}{end}{_extension(names)}"])
            words += [option, path]
        return shlex.join(words)


_PLACES = ("{split}", "{folder}")
_FIX_CHARS = 4000  # of all options in a message


def choice(tree: Tree, what: str, candidates: Sequence[Candidate], advice: str = "") -> UsageError:
    """Returns the error for several candidates, with the options that choose each.

    Args:
      tree: source folder.
      what: was found.
      candidates: most likely first.
      advice: what else to do, as a sentence.
    """
    ways: list[str] = []
    for candidate in candidates[:MAX_CANDIDATES]:
        way = f"{candidate.options(tree)} ({count_of(candidate.num_pairs, 'pair')})"
        if way.startswith("--") and way not in ways and sum(map(len, (*ways, way))) < _FIX_CHARS:  # never cut short
            ways.append(way)
    fix = f"Pass {', or '.join(ways)}." if ways else "Move the folders that are not meant out of the source folder."
    return UsageError(tree.src, what, " ".join(filter(None, [advice, fix])), "E_LAYOUT")


def described(candidates: Iterable[Candidate]) -> str:
    """Returns the candidates in words: "images/ with masks/ (4 pairs), images/ with labels/ (4 pairs)"."""
    return ", ".join(
        f"{folder_list(each.image_folders)} with {folder_list(each.mask_folders)} ({count_of(each.num_pairs, 'pair')})"
        for each in list(candidates)[:MAX_CANDIDATES]
    )


def candidate_of(folders: Iterable[FolderPair], num_pairs: int, affixes: Affixes) -> Candidate:
    """Returns the candidate of folders whose names differ by affixes."""
    return Candidate(tuple(sorted(folders, key=lambda pair: (pair.images, pair.masks))), num_pairs, *affixes[2:])


def candidate_for(tree: Tree, folders: Sequence[FolderPair]) -> Candidate:
    """Returns the candidate of folders, by the affixes of their names, else by their usual suffixes."""
    groups = [group_of(tree, pair) for pair in folders]
    affixes = infer(groups)
    if affixes is None:
        usual = best_suffixes(tree, folders)
        affixes = Affixes("", (), ("", usual.image), ("", usual.mask))
        return candidate_of(folders, pair_folders(tree, folders, usual).num_pairs, affixes)
    return candidate_of(folders, sum(map(len, affixes.image_of)), affixes)


def by_difference(pairs: Iterable[FolderPair]) -> dict[tuple[str, str], list[FolderPair]]:
    """Groups folder pairs by the parts of their paths that differ.

    a/train/RGB with a/train/SemSeg and a/val/RGB with a/val/SemSeg are one group: RGB and SemSeg. So are train_img with
    train_lab and test_img with test_lab: {split}_img and {split}_lab.
    """
    found: defaultdict[tuple[str, str], list[FolderPair]] = defaultdict(list)
    for pair in pairs:
        _, images, masks, _ = _difference(pair)
        found["/".join(map(_any_split, images)), "/".join(map(_any_split, masks))].append(pair)
    return dict(found)


def _any_split(part: str) -> str:
    """Returns a part of a path with {split} in the place of the one word in it that names a split."""
    words = re.split(r"([_-])", part)
    places = [place for place, word in enumerate(words) if split_of(word)]
    if len(places) != 1:
        return part
    return "".join([*words[: places[0]], "{split}", *words[places[0] + 1 :]])


def _parts(folder: str) -> list[str]:
    return folder.split("/") if folder else []


def _difference(pair: FolderPair) -> tuple[list[str], list[str], list[str], list[str]]:
    """Returns the common first parts of two paths, what differs in each, and the common last parts."""
    images, masks = _parts(pair.images), _parts(pair.masks)
    start = 0
    while start < min(len(images), len(masks)) and images[start] == masks[start]:
        start += 1
    end = 0
    while end < min(len(images), len(masks)) - start and images[-1 - end] == masks[-1 - end]:
        end += 1
    cut = slice(start, None if end == 0 else -end)
    return images[:start], images[cut], masks[cut], images[len(images) - end :]


def _folder_templates(folders: Sequence[FolderPair]) -> tuple[list[str], list[str]] | None:
    """Returns the parts of the two paths of all pairs of one difference, with placeholders for what varies; or None."""
    pieces = [_difference(pair) for pair in folders]
    if len({(tuple(images), tuple(masks)) for _, images, masks, _ in pieces}) > 1:
        pieces = [
            (lead, [*map(_any_split, images)], [*map(_any_split, masks)], tail) for lead, images, masks, tail in pieces
        ]
    if len({(tuple(images), tuple(masks)) for _, images, masks, _ in pieces}) > 1:
        return None
    leads, tails = (_varying([piece[number] for piece in pieces]) for number in (0, 3))
    if leads is None or tails is None:
        return None
    used = [part for part in (*leads, *tails) if part in _PLACES]
    if len(used) != len(set(used)):
        return None
    _, images, masks, _ = pieces[0]
    return [*leads, *images, *tails], [*leads, *masks, *tails]


def _varying(paths: Sequence[Sequence[str]]) -> list[str] | None:
    """Returns the parts of paths, with a placeholder where they differ; None if there is none for that."""
    shortest = min(map(len, paths))
    parts: list[str] = []
    for number in range(shortest):
        values = {path[number] for path in paths}
        if len(values) == 1:
            parts.append(values.pop())
        elif all(map(split_of, values)) and "{split}" not in parts:
            parts.append("{split}")
        else:
            return [*parts, "{folder}"]
    if any(len(path) != shortest for path in paths):
        return [*parts, "{folder}"] if all(len(path) > shortest for path in paths) else None
    return parts


def _names(tree: Tree, folders: Iterable[str]) -> list[str]:
    return [name for folder in folders for name in tree.image_files.get(folder, ())]


def _extension(names: Sequence[str]) -> str:
    """Returns the extension that all names share, else the one that stands for any."""
    found = {posixpath.splitext(name)[1] for name in names}
    return found.pop() if len(found) == 1 else ".*"
