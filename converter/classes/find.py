"""Find: the class file of a source folder, or one given by name -> ClassMap.

A file is recognised by its content, never by its name alone. What its format leaves open is not guessed: it is refused
or reported in a note. Values are shifted only if the format itself counts from one. A class is ignored only if the
format says so or the class is named `ignore`.
"""

from __future__ import annotations

import dataclasses
import os
import posixpath
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from converter.classes.class_map import CLASSES_CSV, ClassMap
from converter.classes.drafts import draft_command, draft_warning
from converter.classes.formats.base import data_lines
from converter.classes.formats.name_lists import is_list_of_names
from converter.classes.formats.recognise import FIX, recognise
from converter.classes.formats.registry import FORMATS, NATIVE
from converter.classes.native import GUESS_MARK, read_class_text
from converter.classes.parse import FoundClasses, parsed
from converter.classes.places import by_place, described, lists_colors_only, probe_masks, span
from converter.classes.presets.registry import PREFIX, preset
from converter.classes.search import has_class_word, is_plausible, search_class_files
from converter.config import SourceConfig, source_options
from converter.errors import DataError, UsageError, shown
from converter.sources.layouts.layout import Layout
from converter.sources.refs import Unused
from converter.system.files import resolve_inside

__all__ = ["FoundClasses", "find_class_map", "read_class_file"]

_SHOWN_FILES = 4  # in a message


def find_class_map(source: SourceConfig, layout: Layout, *, allows_doubt: bool = False) -> FoundClasses:
    """Returns the class map of a dataset.

    In this order: the one that `source` names; classes.csv in the source folder; a class file of another format at its
    usual place; the class file or the preset of the layout; a file anywhere in the source folder that is a class file
    by its content. A file that is passed over is in the warnings. If the file lists colours and the masks hold numbers,
    these are taken by place where that is certain.

    Args:
      source: where the dataset is.
      layout: its pairs.
      allows_doubt: takes numbers by place even where that is not certain, for a draft; a note says so.

    Raises:
      UsageError: there is none, it is invalid, several files disagree, or it is not certain how to read it.
    """
    try:
        found = _found(source, layout)
    except UsageError as error:
        if error.fix != FIX:
            raise
        fix = f"Fix it, or write a classes.csv: `{draft_command(source.without_classes())}`."
        raise UsageError(error.where, error.what, fix, error.code) from None
    refs = [ref for pairs in layout.refs.values() for ref in pairs]
    if not found.places or not refs or not lists_colors_only(found.classes):
        return found
    places, values = dict(found.places), probe_masks(source, refs)
    classes, doubt = by_place(found.classes, places, values)
    if classes is None:
        return found
    what = f"lists {len(found.classes.rgb)} colours, and the masks hold the numbers {span(values)}"
    if doubt and not allows_doubt:
        fix = (
            f"Draft a classes.csv with numbers and check it: `{draft_command(source)}`, "
            f"or pass --classes FILE or --classes {PREFIX}NAME."
        )
        raise UsageError(
            found.origin, f"{what}; which class each number means is not certain, since {doubt}", fix, "E_CLASSES"
        )
    reading = f"{Path(found.origin).name} {what}, taken as places in it: {described(found.classes, places)}"
    note = f"{reading}; {GUESS_MARK}, since {doubt}" if doubt else reading
    return dataclasses.replace(
        found, classes=classes, kind=f"{found.kind} by place", notes=(*found.notes, note), is_by_place=True
    )


def read_class_file(path: Path) -> FoundClasses:
    """Returns the class map in a file of any format that segconv knows, with its kind and notes.

    A bare list of names is accepted here: its first line is the name of value 0. `find_class_map` does not accept one,
    since such lists are as often without the background as with it.

    Raises:
      UsageError: the file is missing, is not text, is of no known format, or is invalid; the message names the line.
    """
    text = read_class_text(path)
    form, content = recognise(text, path, is_named=True) or (FORMATS[NATIVE], text)  # whose reader reports the problem
    return parsed(form, content, path)


def _found(source: SourceConfig, layout: Layout) -> FoundClasses:
    """Returns the class map of a dataset as its file has it."""
    if source.classes is not None:
        if source.classes.startswith(PREFIX):
            return _of_preset(source.classes.removeprefix(PREFIX))
        return _warned(read_class_file(Path(source.classes)), source.without_classes())
    native = _inside(source, CLASSES_CSV)
    if native is not None:
        return _warned(read_class_file(native), source)
    found, skipped = _at_usual_places(source)
    if any(file.classes != found[0].classes for file in found):
        raise _disagreement(source, found)
    elsewhere, unusable = _elsewhere(source, {file.origin for file in found})
    if found or layout.class_file or layout.preset is not None:
        first = found[0] if found else _of_layout(source, layout)
        return dataclasses.replace(first, warnings=tuple(_passed_over(source, first, elsewhere)))
    if elsewhere:
        fullest = max(elsewhere, key=lambda file: sum(map(len, _names_of(file.classes))))
        if not all(_is_part(file.classes, fullest.classes) for file in elsewhere):
            raise _disagreement(source, elsewhere)
        return fullest
    what = "; ".join(("does not exist, nor any other class file", *dict.fromkeys((*skipped, *unusable))))
    fix = (
        f"Write one from the values of the masks with `{draft_command(source)}`, "
        f"or pass --classes FILE or --classes {PREFIX}NAME."
    )
    raise UsageError(source.src / CLASSES_CSV, what, fix, "E_CLASSES")


def _of_layout(source: SourceConfig, layout: Layout) -> FoundClasses:
    """Returns the class map that goes with a layout: its class file or its preset."""
    return read_class_file(source.src / layout.class_file) if layout.class_file else _of_preset(str(layout.preset))


def _of_preset(name: str) -> FoundClasses:
    return FoundClasses(preset(name), f"{PREFIX}{name}", "preset")


def _warned(found: FoundClasses, source: SourceConfig) -> FoundClasses:
    """Returns a class map with a warning if it is a draft that nobody edited."""
    if not found.is_draft:
        return found
    warning = draft_warning(found.classes, Path(found.origin), source, is_guess=found.is_guess)
    return dataclasses.replace(found, warnings=(warning,)) if warning else found


def _disagreement(source: SourceConfig, found: list[FoundClasses]) -> UsageError:
    """Returns the error for class files that say different things."""
    different: list[FoundClasses] = []
    for file in found:
        if all(file.classes != other.classes for other in different):
            different.append(file)
    commands = [
        f"`segconv check {source_options(dataclasses.replace(source, classes=file.origin))}`"
        for file in different[:_SHOWN_FILES]
    ]
    origins = ", ".join(file.origin for file in found[:_SHOWN_FILES])
    more = f" and {len(found) - _SHOWN_FILES} more" if len(found) > _SHOWN_FILES else ""
    what = f"contains class files that disagree: {origins}{more}"
    return UsageError(source.src, what, f"Name the right one with --classes: {' or '.join(commands)}.", "E_CLASSES")


def _passed_over(source: SourceConfig, first: FoundClasses, files: list[FoundClasses]) -> list[Unused]:
    """Returns a warning for each class file that says something else than the one that is used."""
    found = []
    for file in files:
        if not _is_part(file.classes, first.classes):
            option = source_options(dataclasses.replace(source, classes=file.origin))
            what = f"is a class file ({file.kind}) that says something else than {shown(first.origin)}, which is used"
            fix = f"Leave it, or take it: `segconv check {option}`."
            found.append(Unused("W_UNUSED_CLASSES", os.path.relpath(file.origin, source.src), what, fix))
    return found


def _is_part(classes: ClassMap, whole: ClassMap) -> bool:
    """Returns whether a class map says nothing that another one does not say: labelme writes lists of each image."""
    if classes.default not in (None, whole.default):
        return False
    return all(
        table.items() <= other.items() for table, other in zip(_names_of(classes), _names_of(whole), strict=True)
    )


def _names_of(classes: ClassMap) -> list[dict[object, str]]:
    """Returns the name of each value of a class map: of grey levels, of colours, of palette indices."""
    tables: tuple[Mapping[Any, int], ...] = (classes.grey, classes.rgb, classes.palette)
    return [{value: classes.name_of(index) for value, index in table.items()} for table in tables]


def _inside(source: SourceConfig, name: str) -> Path | None:
    """Returns the path of a file below the source folder; None if nothing has that name."""
    path = source.src / name
    if not os.path.lexists(path):
        return None
    try:
        return resolve_inside(source.src, name, follow_links=source.follow_links)
    except DataError as error:
        raise UsageError(path, error.what, error.fix, error.code) from None


def _at_usual_places(source: SourceConfig) -> tuple[list[FoundClasses], list[str]]:
    """Returns the class files at the places of their formats, and why each skipped file was skipped."""
    found, skipped = [], []
    places = [place for form in FORMATS.values() for place in form.places]
    shared_places = dict.fromkeys(place for form in FORMATS.values() for place in form.shared_places)
    for name in (*places, *shared_places):
        path = _inside(source, name)
        if path is None:
            continue
        try:
            text = read_class_text(path)
            recognised = recognise(text, path)
        except UsageError as error:
            if name not in shared_places:
                raise
            skipped.append(f"{name} {error.what}")
            continue
        if recognised is not None:
            found.append(parsed(*recognised, path))
        elif name in shared_places:
            skipped.append(_not_a_class_file(source, name, text))
        else:
            first = next((line for _, line in data_lines(text)), "")
            what = f"begins with {first[:60]!r}, which fits no known class file format"
            raise UsageError(path, what, FIX, "E_CLASSES")
    return found, skipped


def _elsewhere(source: SourceConfig, known: set[str]) -> tuple[list[FoundClasses], list[str]]:
    """Returns the class files that their content shows, and why files with a class word in their names are none.

    Args:
      source: where the dataset is.
      known: paths of the files that were read before.
    """
    usual = {posixpath.basename(place) for form in FORMATS.values() for place in (*form.places, *form.shared_places)}
    found, unusable = [], []
    paths, left_out = search_class_files(source)
    for name in paths:
        path = source.src / name
        if str(path) in known:
            continue
        is_named = has_class_word(name) or posixpath.basename(name) in usual
        try:
            text = read_class_text(path)
            recognised = recognise(text, path)
            if recognised is None:
                unusable += [_not_a_class_file(source, name, text)] if has_class_word(name) else []
                continue
            file = parsed(*recognised, path)
        except UsageError as error:
            unusable += [f"{name} {error.what}"] if has_class_word(name) else []
            continue
        if (is_named or recognised[0].is_distinct) and is_plausible(file.classes):
            found.append(file)
    if left_out:
        unusable.append(f"{left_out} further text files are not read")
    return found, unusable


def _not_a_class_file(source: SourceConfig, name: str, text: str) -> str:
    """Says why a file whose name is that of a class file is none; a list of names is one only if the user names it."""
    if not is_list_of_names(text):
        return f"{name} does not say which value is which class"
    option = source_options(dataclasses.replace(source, classes=str(source.src / name)))
    first = next(line.strip() for _, line in data_lines(text))
    return (
        f"{name} does not say which value is which class; it is a list of names, so if its first one, {first!r}, is "
        f"value 0: `segconv check {option}`"
    )
