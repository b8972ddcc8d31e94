"""Bands: what nobody chose is read as it is stored."""

from __future__ import annotations

from converter.pixels.bands import AS_STORED, Samples


def test_without_a_choice_an_image_is_read_as_it_is_stored():
    assert Samples() == AS_STORED == Samples((), ())
    assert Samples((1,)) != AS_STORED != Samples((), ((0, 1),))
