"""Presets: class maps of well-known datasets."""
