"""Search: a source folder -> the files below it that may be class files, wherever they are and whatever their names.

A format has usual places, which `find` checks first. This search is for all other text files. It is bounded: a folder
may hold a text file for each image, as those of detectors do.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections import defaultdict

from converter.classes.class_map import ClassMap
from converter.config import SourceConfig
from converter.limits import MAX_CLASS_FILE_BYTES, MAX_CLASS_FILE_DEPTH, MAX_CLASS_FILES, MAX_FOLDER_CLASS_FILES
from converter.sources.names import IMAGE_EXTENSIONS
from converter.sources.tree import list_tree

_EXTENSIONS = (".csv", ".tsv", ".txt", ".json", ".pbtxt", ".yaml", ".yml")
_CLASS_WORDS = re.compile("class|label|colou?r|palette|categor|legend|id2|names", re.IGNORECASE)
_IMAGE_NAME = re.compile(r"\.(?:" + "|".join(extension.lstrip(".") for extension in IMAGE_EXTENSIONS) + r")\b", re.I)


def has_class_word(path: str) -> bool:
    """Returns whether the name of a file says that it may be a class file."""
    return _CLASS_WORDS.search(posixpath.basename(path)) is not None


def search_class_files(source: SourceConfig) -> tuple[list[str], int]:
    """Returns (paths that may be class files, relative to the source folder; number of files that are left unread).

    Files whose names hold a word such as "class" come first, then those near the source folder. Files deeper than
    MAX_CLASS_FILE_DEPTH folders or larger than MAX_CLASS_FILE_BYTES are no candidates. Of a folder with more than
    MAX_FOLDER_CLASS_FILES text files, which may be one per image, only those with such a word are.
    """
    folders: defaultdict[str, list[str]] = defaultdict(list)
    for path in list_tree(source.src, follow_links=source.follow_links).files:
        if path.lower().endswith(_EXTENSIONS) and path.count("/") <= MAX_CLASS_FILE_DEPTH:
            folders[posixpath.dirname(path)].append(path)
    candidates: list[str] = []
    for paths in folders.values():
        named = [path for path in paths if has_class_word(path)]
        every = paths if len(paths) <= MAX_FOLDER_CLASS_FILES else named
        candidates += every if len(every) <= MAX_FOLDER_CLASS_FILES else []
    candidates.sort(key=lambda path: (not has_class_word(path), path.count("/"), path))
    near = [path for path in candidates if _is_small(source, path)]
    return near[:MAX_CLASS_FILES], len(near[MAX_CLASS_FILES:])


def _is_small(source: SourceConfig, path: str) -> bool:
    try:
        return os.stat(source.src / path).st_size <= MAX_CLASS_FILE_BYTES  # noqa: PTH116 - of an untrusted path
    except OSError:
        return False


def is_plausible(classes: ClassMap) -> bool:
    """Returns whether the class map of a file that was only found by its content may be one of masks.

    Its names have letters, none is that of an image file or a path, there are at least two values, and no class has two
    numbers. A list of images and their labels, a table of measurements or the boxes of a detector is none.
    """
    num_values = len(classes.grey) + len(classes.rgb) + len(classes.palette)
    is_table = num_values > 1 and len(classes.grey) <= classes.num_classes + 1
    return is_table and all(
        any(character.isalpha() for character in name) and "/" not in name and not _IMAGE_NAME.search(name)
        for name in classes.names
    )
