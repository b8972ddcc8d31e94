"""Documents: the photographs are those of the tree, listed once."""

from __future__ import annotations

from converter.annotations.documents import Documents
from converter.sources.tree import Tree


def test_the_photographs_of_the_tree_are_listed_once():
    documents = Documents(Tree(None, ("a/x.jpg",), ("", "a")), ())
    assert documents.photographs.find("x.jpg") == "a/x.jpg"
    assert documents.photographs is documents.photographs
