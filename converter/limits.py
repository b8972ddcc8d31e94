"""Limits: maximum sizes and counts, checked before memory or time is spent.

Whatever comes from outside (a file, a list, an archive) is bounded by a number in this module.
"""

from __future__ import annotations

MAX_SIDE = 16384  # of the stored size; a typo such as 51200 should not ask for gigabytes
MAX_DATASET_NAME_CHARS = 150  # with split, shard numbers and our prefix a file name must stay below 255
MAX_FILE_BYTES = 256 * 2**20  # of one source file, before a byte of it is read
MAX_PIXELS = 50_000_000  # of one source image, from its header, before it is decoded
MAX_BAD_PERCENT = 1.0  # of the pairs that --on-error skip leaves out; with more, the dataset itself is broken
MAX_BAD_PAIRS = 3  # that it may leave out of a small dataset, unless --max-bad is given
MAX_TOLERANCE = 127  # levels; with more, one value could be within it of black and of white
MAX_CLASSES = 255  # class indices are 0..254; 255 is IGNORE_INDEX
MAX_DEATHS = 3  # of the workers of one task, each at another unit: a machine failure, not a unit's
MAX_RECORD_BYTES = 2 * MAX_FILE_BYTES  # an image, a mask and their names; a larger length is refused before it is read
MAX_INDEX_LINE_BYTES = 40  # two 63-bit numbers
MAX_LISTED_SIZES = 100  # image sizes listed per split
MAX_OPTION_DEPTH = 8  # nesting of the options in a manifest
MAX_MANIFEST_BYTES = 64 * 2**20  # of a manifest: some 200,000 shards
MAX_LIST_BYTES = 256 * 2**20  # of a list, before a byte of it is read
MAX_LIST_LINES = 2_000_000  # of a list, before it is split: a line takes 0.5 kB of memory, a refused one 1.5 kB
MAX_LINE_CHARS = 8192  # two paths of the maximum length on Linux
MAX_DROP = 16  # extra leading folders in the paths of a list written elsewhere
MAX_CLOSEST = 50  # missing files of a list whose closest name is looked up: as many as a build shows
MAX_LIKES = 500  # names with the same digits that are compared with a missing one
MAX_FILES = 2_000_000  # of one source folder; a home folder passed by mistake should not be read for minutes
MAX_FOLDER_DEPTH = 16  # nested folders
MAX_NESTED_LINKS = 500  # folders reached by a link below a link; a dozen that link to one another give millions
MAX_INNER = 100  # subfolders tried as a dataset of their own when no layout fits
MAX_LIST_FOLDERS = 50  # below the source folder that are searched for pair lists
MAX_CANDIDATES = 6  # shown in a message
MAX_GREY = 65535  # of a 16-bit mask
MAX_CLASS_FILE_BYTES = 1 << 20  # of a class map; one with 255 classes has about 5 kB
MAX_CLASS_NAME_CHARS = 200
MAX_VALUE_CHARS = 60  # of a source value; the longest, (255, 255, 255) with spaces, has about 20
MAX_STRANGE_SHARE = 0.1  # of the mask colours that a preset may not explain
MAX_TABLES = 64  # cached look-up tables: one per palette, and every mask may have its own
MAX_VALUES = 1024  # kept per mask; a photograph used as a mask would have a hundred thousand
MAX_PEAKS = 512  # twice MAX_CLASSES; with more, the draft is refused anyway
MAX_HASH_BITS = 4  # differing bits out of 64; a recompressed image differs in 0 to 3
MAX_THUMBNAIL_ANGLE = 0.12  # radians between two thumbnails as vectors; see near_duplicates
MAX_SCANS = 100  # of a JPEG file; progressive ones have about ten
INFLATE_BYTES = 1 << 20  # at a time: inflated data are only counted, never kept
MAX_PNM_HEADER_BYTES = 1 << 16  # a few numbers, and comments
MAX_BANDS = 1024  # of an image file; hyperspectral ones have some 250
MAX_SAMPLE_BYTES = 1 << 30  # of the bands that are read from one image file, before they become 8 bit
MAX_RANGE_CHARS = 200  # of --range: three pairs of numbers
MAX_TIFF_TAGS = 4096  # of one tag directory; real files have about twenty
MAX_TIFF_PAGES = 64  # a GeoTIFF has about ten overviews
MAX_TIFF_STRIPS = 1 << 20  # a million offsets; more would take more memory than the pixels
MAX_PAGE_IMAGE_BYTES = 1_200_000  # of all JPEG files on the HTML page of a check; base64 adds a third: below 2 MB
MAX_PAGE_SAMPLES = 12
MAX_PAGE_PLACES = 100  # shown per problem; --json lists all of them
MAX_PAGE_LISTED = 512  # rows for values of classes; a class may have several
MAX_PAGE_UNLISTED = 24  # rows for unlisted values, of which a damaged mask has thousands
MAX_CLOSEST_UNMATCHED = 50  # names whose closest match is looked up: each is compared with all others
MAX_LIKES_UNMATCHED = 500  # names that each one is compared with
