"""Find: a source folder -> the format of the annotations in it, and what all of them hold."""

from __future__ import annotations

import difflib
import fnmatch
import posixpath
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

from converter.annotations.config import MasksConfig
from converter.annotations.documents import Documents
from converter.annotations.found import Found
from converter.annotations.registry import FORMATS, Finder, PartReader, Reader
from converter.annotations.texts import opened, read_bytes
from converter.engines.local import local_forked
from converter.engines.supervise import supervise
from converter.errors import DataError, UsageError
from converter.limits import MAX_PARTED_BYTES
from converter.sources.names import stem_of
from converter.sources.others import TEXTS, kind_of, text_head
from converter.sources.tree import Tree, count_of, list_tree
from converter.system.console import Progress

TASKS_PER_WORKER = 4  # of reading: a task brings the names of all files along


class ReadTask(NamedTuple):
    """Some files of annotations to read."""

    name: str
    documents: Documents
    paths: tuple[str, ...]
    follow_links: bool


def find_annotations(config: MasksConfig) -> tuple[str, Documents, list[Found]]:
    """Returns (name of the format, its files, what each of them holds), in the order of their paths.

    Raises:
      UsageError: the folder has annotations of no known format, or of several.
    """
    tree = list_tree(config.src, follow_links=config.follow_links)
    name, documents = find_documents(config, tree)
    if not FORMATS[name].kinds:
        return name, documents, cast(Finder, FORMATS[name].load("reader"))(documents)
    count = min(len(documents.paths), config.num_workers * TASKS_PER_WORKER)
    tasks = [ReadTask(name, documents, documents.paths[k::count], config.follow_links) for k in range(count)]
    if count == 1:  # a worker would only have to send all of it back
        parts = [read_files(tasks[0], lambda: None)]
    else:
        with Progress(len(documents.paths), "file") as progress:
            parts = supervise(local_forked, read_files, tasks, config.num_workers, progress.show)
    return name, documents, sorted((found for part in parts for found in part), key=lambda found: found.where)


def read_files(task: ReadTask, tick: Callable[[], None]) -> list[Found]:
    """Reads files of annotations; a problem of a whole file is one of the problems in it."""
    results = []
    for path in task.paths:
        found = Found(path)
        try:
            _read_file(task, found)
        except DataError as error:
            what = error.what if error.where in ("", path) else f"names {error.where}, which {error.what}"
            found.problems.append(DataError(path, what, error.fix, error.code))
        except MemoryError:
            fix = "Export it in several files."
            found.problems.append(DataError(path, "did not fit into memory", fix, "E_MEMORY"))
        results.append(found)
        tick()
    return results


def _read_file(task: ReadTask, found: Found) -> None:
    """Reads one file of annotations; raises DataError where that cannot be done at all."""
    src, form = task.documents.tree.src, FORMATS[task.name]
    if not form.stored:
        data = read_bytes(src, found, follow_links=task.follow_links)
        cast(Reader, form.load("reader"))(data, found, task.documents)
        return
    with opened(src, found.where, follow_links=task.follow_links, most=MAX_PARTED_BYTES) as file:
        cast(PartReader, form.load("reader"))(file, found, task.documents)
        found.digest = file.digest


def find_documents(config: MasksConfig, tree: Tree) -> tuple[str, Documents]:
    """Returns the name of the format of a folder, and its files.

    Raises:
      UsageError: as `find_annotations`.
    """
    if config.format is not None and config.format not in FORMATS:
        near = difflib.get_close_matches(config.format, FORMATS, 1)
        fix = f"{f'Did you mean {near[0]}? ' if near else ''}Known are {', '.join(FORMATS)}."
        raise UsageError("--format", f"{config.format!r} is unknown", fix)
    by_format = _files_by_format(tree, config.files)
    if config.format is not None:
        by_format = {config.format: by_format.get(config.format, [])}
    documents = {name: _documents(config, tree, name, paths) for name, paths in by_format.items() if paths}
    finders = [config.format] if config.format else FORMATS
    for name in (name for name in finders if not FORMATS[name].kinds and not documents):
        candidate = _documents(config, tree, name, ())
        if cast(Finder, FORMATS[name].load("reader"))(candidate):
            return name, candidate
    if len(documents) == 1:
        return next(iter(documents.items()))
    known = "; ".join(f"{name}: {each.text}" for name, each in FORMATS.items())
    if not documents:
        what = f"holds no annotations{f' in {config.format}' if config.format else ''} that segconv can draw"
        raise UsageError(tree.src, what, f"Known are {known}.", "E_LAYOUT")
    several = ", ".join(f"{count_of(len(each.paths), 'file')} of {name}" for name, each in documents.items())
    fix = f"Pass one of --format {', --format '.join(documents)}, or --files with a pattern of their names."
    raise UsageError(tree.src, f"holds annotations of more than one format: {several}", fix, "E_LAYOUT")


def _files_by_format(tree: Tree, pattern: str | None) -> dict[str, list[str]]:
    """Returns the files of annotations of each format."""
    formats = {kind: name for name, each in FORMATS.items() for kind in each.kinds}
    found: defaultdict[str, list[str]] = defaultdict(list)
    others: list[str] = []
    marked: set[str] = set()
    for path in (path for path in tree.files if path.lower().endswith(TEXTS) and _matches(path, pattern)):
        kind = kind_of(path, text_head(tree.src / path)) or ""
        name = formats.get(kind)
        if name is None:
            others.append(path)
        else:
            found[name].append(path)
            if kind == FORMATS[name].kinds[0]:
                marked.add(name)
    found = defaultdict(list, {name: paths for name, paths in found.items() if name in marked})
    if len(found) == 1:
        ((name, paths),) = found.items()
        found[name] = sorted([*paths, *_companions(tree, paths, others)])
    return found


def _companions(tree: Tree, paths: Sequence[str], others: Sequence[str]) -> list[str]:
    """Returns the files beside those of a format that have the name of a photograph, but do not look like the format.

    They are empty or damaged: passed over, their photographs would be missing in silence.
    """
    places = {(posixpath.dirname(path), posixpath.splitext(path)[1]) for path in paths}
    stems = {stem_of(name) for names in tree.image_files.values() for name in names}
    beside = [path for path in others if (posixpath.dirname(path), posixpath.splitext(path)[1]) in places]
    return [path for path in beside if stem_of(posixpath.splitext(posixpath.basename(path))[0]) in stems]


def _matches(path: str, pattern: str | None) -> bool:
    """Returns whether a path or its last part is as asked for."""
    return pattern is None or any(fnmatch.fnmatchcase(name, pattern) for name in (path, posixpath.basename(path)))


def _documents(config: MasksConfig, tree: Tree, name: str, paths: Sequence[str]) -> Documents:
    form = FORMATS[name]
    names = cast(tuple[str, ...], form.load("names")(tree)) if form.names else ()
    read = list(paths)
    if form.chosen and config.files is None:
        read = cast(list[str], form.load("chosen")(paths))
    unused = tuple(path for path in paths if path not in read)
    return Documents(tree, tuple(read), config.line_width, names, unused)
