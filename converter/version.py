"""Version: of segconv; the bytes of a dataset follow from it, so every manifest holds it."""

__version__ = "0.2.0"
