"""Chosen lists: the lists that the user named with --list -> pairs, whatever other lists there are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from converter.config import SourceConfig
from converter.errors import DataError, UsageError, shown
from converter.sources.layouts.split_lists import Listed, pair_rules
from converter.sources.lists.files import LIST_TYPES, WITHIN, ListFile, kind_of, list_file
from converter.sources.lists.fits import Fit, Rules, fit_list
from converter.sources.lists.resolve import Resolved
from converter.sources.names import SPLITS
from converter.sources.refs import ExampleRef, Reject
from converter.sources.tree import Tree

_FIX_SPLIT = "Say it: --list train=FILE."


def chosen_files(tree: Tree, source: SourceConfig) -> list[ListFile]:
    """Returns the lists that the user named; a path is relative to the working folder, or to the source folder.

    Raises:
      UsageError: one does not exist, or has a type that is not known.
    """
    found = []
    root = tree.src.resolve()
    for split, text in source.lists:
        path = next((path for path in (Path(text), tree.src / text) if path.exists()), None)
        if path is None:
            raise UsageError(text, "does not exist", "Name a list that exists with --list.", "E_LIST")
        real = path.resolve()
        name = real.relative_to(root).as_posix() if real.is_relative_to(root) else str(real)
        if not kind_of(name):
            raise UsageError(path, "is no list", f"A list is a file of type {', '.join(LIST_TYPES)}.", "E_LIST")
        by_name = list_file(name)
        found.append(ListFile(name, split or (by_name.split if by_name else ""), WITHIN))
    return found


def chosen_pairs(tree: Tree, files: list[ListFile]) -> Listed | None:
    """Returns the pairs of lists each of which names two files per line; None if one does not.

    Raises:
      UsageError: a list cannot be read, or does not say its split.
    """
    fits = [_fit(tree, file, pair_rules(tree), is_pairs=True) for file in files]
    if all(fit.num_found or fit.names_image_files for fit in fits):
        return _joined(files, fits, None)
    return None


def chosen_names(tree: Tree, files: list[ListFile], rules: Rules, mask_of: Mapping[str, str | None]) -> Listed:
    """Returns the images that lists with one name per line select.

    Args:
      tree: source folder.
      files: the lists.
      rules: for their paths.
      mask_of: image -> mask.

    Raises:
      UsageError: a list cannot be read, does not say its split, or names none of the images.
    """
    fits = [_fit(tree, file, rules, is_pairs=False) for file in files]
    for fit in fits:
        if not fit.num_found:
            what = f"names none of the images that were found, from {fit.first_line!r} on"
            fix = "Fix its paths, or say with --image and --mask where the files are."
            raise UsageError(tree.src / fit.file.path, what, fix, "E_LIST")
    return _joined(files, fits, mask_of)


def _fit(tree: Tree, file: ListFile, rules: Rules, *, is_pairs: bool) -> Fit:
    """Returns how a list is read; if the user said its split, only the rows of that split count."""
    fit = fit_list(tree, file, rules, is_pairs=is_pairs)
    if not file.split and not fit.lists:
        raise UsageError(tree.src / file.path, "does not say which split it is of", _FIX_SPLIT, "E_LIST")
    return fit


def _joined(files: list[ListFile], fits: list[Fit], mask_of: Mapping[str, str | None] | None) -> Listed:
    """Returns the pairs of all lists; of an image that two lists of a split name, the second line is rejected."""
    parts: list[Resolved] = []
    for file, fit in zip(files, fits, strict=True):
        parts += [part for split, part in fit.parts.items() if file.split in ("", split) or split == file.split]
    listed = Listed()
    listed.add_all(parts, fits, mask_of)
    for split in SPLITS:
        if split in listed.refs:
            listed.refs[split] = _without_repeats(listed, listed.refs[split])
    return listed


def _without_repeats(listed: Listed, refs: tuple[ExampleRef, ...]) -> tuple[ExampleRef, ...]:
    first: dict[str, ExampleRef] = {}
    kept = []
    for ref in refs:
        earlier = first.setdefault(ref.image, ref)
        if earlier is ref:
            kept.append(ref)
        else:
            what = f"is in {shown(earlier.list_name)}:{earlier.line} too"
            error = DataError(ref.image, what, "Delete one of the lines.", "E_DUPLICATE")
            listed.rejects.append(Reject(ref.split, error, ref.list_name, ref.line))
    return tuple(kept)
