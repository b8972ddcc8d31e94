"""Documents: what a parser knows besides the bytes of its file: the source folder, its photographs, the options."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from converter.annotations.photographs import Photographs
from converter.sources.tree import Tree


@dataclass(frozen=True)
class Documents:
    """The files of annotations in a source folder.

    Attributes:
      tree: all files of the source folder.
      paths: of the files of annotations, relative to it, sorted.
      line_width: of lines, in pixels.
      unused: paths of files of the same format that others stand for.
      names: of classes that no object names, by their number, as in YOLO's data.yaml.
    """

    tree: Tree
    paths: tuple[str, ...]
    line_width: int = 10
    names: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    @cached_property
    def photographs(self) -> Photographs:
        """The photographs of the source folder."""
        return Photographs(self.tree)
