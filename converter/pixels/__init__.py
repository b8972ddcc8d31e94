"""Pixels: image files <-> arrays, and overlays. Knows nothing of class maps.

Modules, in dependency order:

    signatures  the first bytes of a file -> its format
    png         chunks of a PNG file: intact or damaged
    jpeg        segments of a JPEG file
    bmp         header of a BMP file
    tiff        tags of a TIFF file: intact or damaged
    colors      colours for drawing classes
    geometry    which part of a source image goes where in the stored one
    decode      bytes of a file -> an opened image, and its pixels
    images      image bytes <-> uint8 [H, W, 3]
    masks       the values in a mask file; stored masks <-> uint8 [H, W]
    resample    a mask at another size, never blended
    overlays    overlays, legends, contact sheets
"""
