"""Pixels: image files <-> arrays, and arrays made visible. Knows nothing of class maps.

Modules, in dependency order:

    signatures  the first bytes of a file -> what kind of file it is
    png         chunks of a PNG file: whole or damaged
    jpeg        segments of a JPEG file
    bmp         header of a BMP file
    tiff        tags of a TIFF file: whole or damaged
    colors      how a class is drawn
    geometry    which part of a source image goes where in the stored one
    decode      bytes of a file -> an opened image, and its pixels
    images      photograph bytes <-> uint8 [H, W, 3]
    masks       the values in a mask file; stored masks <-> uint8 [H, W]
    resample    a mask at another size, never blended
    overlays    overlays, legends, contact sheets
"""
