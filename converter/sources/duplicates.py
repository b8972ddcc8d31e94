"""Duplicates: thumbnails -> near-duplicate images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from converter.limits import MAX_HASH_BITS, MAX_THUMBNAIL_ANGLE

FLAT_LEVELS = 3.0  # standard deviation below which a thumbnail shows nothing: blank tiles, night, fog
_BANDS = ((0, 13), (13, 13), (26, 13), (39, 13), (52, 12))  # (first bit, bits): one more than MAX_HASH_BITS
_BLOCK = 1 << 22  # candidates compared at once: 32 MB


def near_duplicates(thumbnails: Sequence[bytes]) -> list[tuple[int, int]]:
    """Returns the index pairs (i, j), i < j, of near-duplicate images, found by their grey 16x16 thumbnails.

    Two images are near-duplicates if the angle between their thumbnails, as vectors of mean 0 and length 1, is at most
    MAX_THUMBNAIL_ANGLE. Brightness and contrast do not matter. Candidates are found without comparing all pairs. Each
    thumbnail gets a 64-bit difference hash (is a cell brighter than its left neighbour?). Two hashes that differ in at
    most 4 bits have at least one of 5 bands of bits in common.

    An empty or flat thumbnail matches nothing: blank tiles are not copies of each other. Of images with identical
    thumbnails, only the pairs with the first one are returned. This keeps the number of pairs small; the groups that
    they connect are complete.

    Source: dHash, N. Krawetz, "Kind of Like That", hackerfactor.com 2013; bands by the pigeonhole principle.
    """
    first: dict[bytes, int] = {}
    found = []
    for index, data in enumerate(thumbnails):
        if data and first.setdefault(data, index) != index:
            found.append((first[data], index))
    indices = np.array(list(first.values()), np.int64)  # of the distinct thumbnails
    levels = np.frombuffer(b"".join(first), np.uint8).reshape(-1, 16, 16)
    is_textured = levels.std(axis=(1, 2), dtype=np.float32) >= FLAT_LEVELS
    textured = set(indices[is_textured].tolist())
    found = [(i, j) for i, j in found if i in textured]
    indices, levels = indices[is_textured], levels[is_textured]
    vectors = levels.reshape(-1, 256).astype(np.float32)
    vectors -= vectors.mean(axis=1, keepdims=True)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for left, right in _candidates(_hashes(levels)):
        # The length of the difference is twice the sine of half the angle; the cosine loses precision near 1.
        chord = np.linalg.norm(vectors[left] - vectors[right], axis=1)
        alike = chord <= MAX_THUMBNAIL_ANGLE
        found += zip(indices[left[alike]].tolist(), indices[right[alike]].tolist(), strict=True)
    return sorted((min(pair), max(pair)) for pair in found)


def _hashes(levels: np.ndarray) -> np.ndarray:
    """Returns the difference hash uint64 [N] of thumbnails uint8 [N, 16, 16]."""
    cells = levels.reshape(-1, 8, 2, 8, 2).sum(axis=(2, 4), dtype=np.int32)
    is_brighter = cells > np.roll(cells, 1, axis=2)  # the first cell of a row is compared with its last
    return np.packbits(is_brighter.reshape(-1, 64), axis=1).view(np.uint64).ravel()


def _candidates(hashes: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields index arrays (left, right) of the pairs of hashes at most MAX_HASH_BITS bits apart, each pair once."""
    bands = [hashes >> np.uint64(first) & np.uint64((1 << bits) - 1) for first, bits in _BANDS]
    for number, band in enumerate(bands):
        order = np.argsort(band, kind="stable")
        _, starts, counts = np.unique(band[order], return_index=True, return_counts=True)
        for start, count in zip(starts[counts > 1], counts[counts > 1], strict=True):
            bucket = order[start : start + count]
            rows = max(1, _BLOCK // int(count))
            for top in range(0, int(count), rows):
                left, right = bucket[top : top + rows, None], bucket[None, :]
                close = np.bitwise_count(hashes[left] ^ hashes[right]) <= MAX_HASH_BITS
                close &= left < right
                for earlier in bands[:number]:
                    close &= earlier[left] != earlier[right]  # else the pair has been yielded before
                i, j = np.nonzero(close)
                yield bucket[top + i], bucket[j]
