"""Pixels: image files <-> arrays, and overlays. Knows nothing of class maps.

Modules, in dependency order:

    bands         which samples of an image are read
    signatures    the first bytes of a file -> its format
    png           chunks of a PNG file: intact or damaged
    jpeg          segments of a JPEG file
    bmp           header of a BMP file
    gif           blocks of a GIF file
    webp          chunks of a WebP file
    pillow        how Pillow's decoders are called
    pnm           PBM, PGM and PPM files -> their numbers
    tiff          tags of a TIFF file: intact or damaged
    tiff_samples  chosen bands of a TIFF file, of any depth
    samples       bands of any depth -> 8-bit image, or whole numbers of a mask
    colors        colours for drawing classes
    geometry      which part of a source image goes where in the stored one
    decode        an opened image -> its pixels
    opening       bytes of a file -> an opened image
    images        image bytes <-> uint8 [H, W, 3]
    masks         the values in a mask file; stored masks <-> uint8 [H, W]
    resample      a mask at another size, never blended
    polygons      a mask -> the borders of its connected components
    overlays      overlays, legends, contact sheets
"""
