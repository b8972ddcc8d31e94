"""Layouts: from a source folder to the pairs of its splits, told by what lies there.

tree       source folder -> the names of all that lies in it
pairing    folders -> photographs with their masks
rules      tree -> what one layout finds in it, or nearly
lists      split lists -> pairs
templates  --image and --mask -> photographs with their masks
find       source folder -> Layout
"""

from converter.layouts.find import Layout, find_layout
from converter.layouts.rules import LAYOUTS

__all__ = ["LAYOUTS", "Layout", "find_layout"]
