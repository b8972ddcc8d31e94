"""Templates: --image and --mask -> images and masks, for layouts that no rule knows.

`{stem}` matches the name of a pair, one part of a path without its extension. `{split}` matches train, val or test
under any of their names. `{folder}` matches any folders, one or more. `.*` at the end matches any extension of an image
file. Everything else is literal.
"""

from __future__ import annotations

import re

from converter.errors import UsageError
from converter.sources.layouts.pairing import Found, Named, match, split_in
from converter.sources.layouts.refusal import EXAMPLE
from converter.sources.names import IMAGE_EXTENSIONS, SPLIT_WORDS, split_of
from converter.sources.tree import Tree

_FIX = f"Write two paths below the source folder, such as {EXAMPLE}; `.*` is any extension."
_ANY_SPLIT = rf"(?i:{'|'.join(sorted(SPLIT_WORDS, key=len, reverse=True))})(?:[_-]?[0-9]{{4}})?"
_ANY_EXTENSION = rf"(?i:{'|'.join(map(re.escape, IMAGE_EXTENSIONS))})"
_PLACES = {  # in a template -> what matches it
    "{stem}": r"(?P<stem>[^/]+)",
    "{split}": rf"(?P<split>{_ANY_SPLIT})",
    "{folder}": r"(?P<folder>[^/]+(?:/[^/]+)*)",
}


def by_templates(tree: Tree, image: str, mask: str) -> Found:
    """Returns the images and masks whose paths match the templates.

    Raises:
      UsageError: a template is invalid, or the two match no pair.
    """
    patterns = {"--image": _pattern("--image", image), "--mask": _pattern("--mask", mask)}
    for place in ("{split}", "{folder}"):
        if (place in image) != (place in mask):
            raise UsageError("--image and --mask", f"only one of them has {place}", _FIX, "E_LAYOUT")
    matches = {"--image": Named(), "--mask": Named()}
    splits: dict[str, str] = {}
    # A file that matches both, as a_mask.png matches {stem}.png and {stem}_mask.png, belongs to the longer template.
    order = sorted(patterns, key=lambda option: -len({"--image": image, "--mask": mask}[option]))
    taken: set[str] = set()
    for option in order:
        for path in tree.files:
            if path not in taken and (fits := patterns[option].fullmatch(path)):
                parts = fits.groupdict("")
                split = split_of(parts.get("split", "")) or split_in(parts.get("folder", ""))
                group = f"{parts.get('split', '')}/{parts.get('folder', '')}" if "{folder}" in image else split
                splits[group] = split
                matches[option].add((group, fits["stem"]), path)
                taken.add(path)
    found = match(matches["--image"], matches["--mask"], splits)
    if not found.num_pairs:
        numbers = " and ".join(f"{option} {len(named.paths)}" for option, named in matches.items())
        what = f"match no pair ({numbers} files)"
        fix = "Fix them: {stem} must match the same name in both, {split} must match train, val or test."
        raise UsageError("--image and --mask", what, fix, "E_LAYOUT")
    return found.as_layout("templates", f"--image {image}", f"--mask {mask}")


def _pattern(option: str, template: str) -> re.Pattern[str]:
    """Returns the regular expression of a template."""
    parts = template.removeprefix("./").split("/")
    if template.startswith("/") or "\\" in template or "\0" in template or {"", ".", ".."} & set(parts):
        raise UsageError(option, f"{template!r} is not a plain path below the source folder", _FIX, "E_LAYOUT")
    if "{stem}" not in template:
        raise UsageError(option, f"{template!r} has no {{stem}}", _FIX, "E_LAYOUT")
    text = "/".join(parts)
    any_extension = text.endswith(".*")
    text = text.removesuffix(".*")
    pattern, seen = "", set()
    for piece in re.split(r"(\{[^{}]*\}|\*)", text):
        if piece in seen:
            pattern += f"(?P={piece[1:-1]})"
        elif piece in _PLACES:
            seen.add(piece)
            pattern += _PLACES[piece]
        elif piece == "*" or "{" in piece or "}" in piece:
            what = (
                f"{template!r} has {piece}; a template may only have {{split}}, {{folder}}, {{stem}} and .* at its end"
            )
            raise UsageError(option, what, _FIX, "E_LAYOUT")
        else:
            pattern += re.escape(piece)
    return re.compile(pattern + (_ANY_EXTENSION if any_extension else ""))
