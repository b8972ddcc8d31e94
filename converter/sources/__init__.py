"""Sources: a folder of images and masks -> the pairs of its splits.

Modules, in dependency order:

    mirror      the files of a dataset at an address -> a local folder
    refs        a pair of files; a pair that was rejected
    packed      the pairs of a dataset in few bytes each
    names       how the names of files, folders and splits are matched
    tree        source folder -> the names of all files and folders in it
    lists       split lists: text, tables and JSON -> the files that they name
    pairs       ExampleRef -> image and mask, opened, in the same orientation
    duplicates  thumbnails -> near-duplicate images
    mix_ups     an image with the mask of another one
    leaks       the same image in two splits
    others      what the files are that are not read
    layouts     source folder -> the pairs of its splits, detected from the files in it
    ground      where on the earth the picture in a TIFF file lies, and where it has data
    rasters     large TIFF and JPEG 2000 files, read by windows through rasterio
    sizes       the size of a photograph from its header, and its tiles
    levels      a range in percentiles -> the levels in the images of the train split
"""
