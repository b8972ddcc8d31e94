"""Beside: the small files beside the shards, and which of them a build has to write.

The files of TFDS, errors.jsonl and the manifest are exactly what was built. README.md and croissant.json are for
people, who may edit them: an edited README.md stays, and so do keys that were added to croissant.json.
"""

from __future__ import annotations

import contextlib

from converter.building.store import Store
from converter.building.summary import errors_text
from converter.dataset.croissant import CROISSANT, croissant_text, describes, is_croissant
from converter.dataset.manifest import Manifest
from converter.dataset.readme import README, is_edited, readme_text
from converter.dataset.store import size_of
from converter.dataset.tfds import tfds_files
from converter.errors import shown
from converter.limits import MAX_CROISSANT_BYTES, MAX_README_BYTES
from converter.schema import ERRORS, MANIFEST
from converter.sources.refs import Reject
from converter.system.console import log

FOR_PEOPLE = (README, CROISSANT)  # no part of the dataset: no build deletes them, and verify only remarks on them


def changed_texts(
    store: Store, manifest: Manifest, rejects: list[Reject], *, has_croissant: bool = False
) -> dict[str, bytes]:
    """Returns the small files of a dataset that are missing or differ: name -> content.

    Args:
      store: where the dataset is or will be.
      manifest: of the dataset.
      rejects: pairs that were left out.
      has_croissant: writes croissant.json also where there is none yet.
    """
    texts = {name: text.encode() for name, text in tfds_files(manifest).items()}
    if rejects:
        texts[ERRORS] = errors_text(rejects)
    before = _read(store, README, MAX_README_BYTES)
    if before is None or not is_edited(before):
        texts[README] = readme_text(manifest).encode()
    before = _read(store, CROISSANT, MAX_CROISSANT_BYTES)
    if has_croissant if before is None else is_croissant(before):
        texts[CROISSANT] = croissant_text(manifest, before or b"{}").encode()
    elif has_croissant:
        log.warning("Warning: %s is not JSON: it is left as it is.", shown(store.where(CROISSANT)))
    texts[MANIFEST] = manifest.to_json().encode()
    return {name: text for name, text in texts.items() if not _is_there(store, name, text)}


def remarks(store: Store, manifest: Manifest) -> list[str]:
    """Returns what is to be said of the files for people beside a dataset, which is no damage, a line each."""
    found = []
    before = _read(store, README, MAX_README_BYTES)
    if before is None:
        found.append(f"{README} is missing; the next build writes it")
    elif is_edited(before):
        found.append(f"{README} was edited; builds leave it as it is, and write it anew once it is deleted")
    before = _read(store, CROISSANT, MAX_CROISSANT_BYTES)
    if before is not None and not describes(before, manifest):
        remedy = "the next build brings it up to date" if is_croissant(before) else "delete it to have it written anew"
        found.append(f"{CROISSANT} does not describe these records; {remedy}")
    return found


def _read(store: Store, name: str, limit: int) -> bytes | None:
    """Returns the content of a file, up to a limit; None where there is no such file."""
    with contextlib.suppress(OSError), store.open(name) as file:
        return file.read(limit)
    return None


def _is_there(store: Store, name: str, text: bytes) -> bool:
    try:
        with store.open(name) as file:
            return size_of(file) == len(text) and file.read() == text
    except OSError:
        return False
