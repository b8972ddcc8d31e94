"""Limits: how much of anything is accepted, before memory or time is spent on it.

Whatever comes from outside (a file, a list, an archive of somebody else) is bounded by a number that stands here.
"""

from __future__ import annotations

MAX_SIDE = 16384  # of the stored size; a typing slip such as 51200 should not ask for gigabytes
MAX_DATASET_NAME_CHARS = 150  # of a dataset: with split, shard numbers and our prefix a file name must stay below 255
MAX_FILE_BYTES = 256 * 2**20  # of one source file, before a byte of it is read
MAX_PIXELS = 50_000_000  # of one source picture, from its header, before it is decoded
MAX_BAD_PERCENT = 1.0  # of the pairs that --on-error skip leaves out; more is no accident, but a fault of the dataset
MAX_BAD_PAIRS = 3  # ... that it may leave out of a small dataset, unless --max-bad says otherwise
MAX_TOLERANCE = 127  # levels; with more, two listed colours could both be within it of anything
MAX_CLASSES = 255  # class indices are 0..254; 255 is IGNORE_INDEX
MAX_DEATHS = 3  # of the workers of one task, each at another unit: then it is the machine, and no unit of the task
MAX_RECORD_BYTES = 2 * MAX_FILE_BYTES  # a photograph, a mask and their names; no length above it costs memory
MAX_INDEX_LINE_BYTES = 40  # two numbers of 63 bits
MAX_LISTED_SIZES = 100  # of photographs, listed for each split
MAX_OPTION_DEPTH = 8  # of the options; they are hardly nested at all
MAX_MANIFEST_BYTES = 64 * 2**20  # of a manifest: some 200,000 shards
MAX_LIST_BYTES = 256 * 2**20  # of a list, before a byte of it is read
MAX_LIST_LINES = 2_000_000  # of a list, before it is split: a line costs 0.5 kB of memory, a refused one thrice that
MAX_LINE_CHARS = 8192  # two paths of the longest that Linux allows
MAX_DROP = 16  # leading folders that a list written elsewhere may have too many
MAX_CLOSEST = 50  # missing files of a list for which the closest name is looked up: as many as a build shows
MAX_LIKES = 500  # names with the same numbers that are compared with a missing one
MAX_FILES = 2_000_000  # of one source folder; a home folder named by mistake should not be read for minutes
MAX_FOLDER_DEPTH = 16  # folders in folders
MAX_NESTED_LINKS = 500  # folders reached by a link below a link; a dozen that lead to one another make millions
MAX_INNER = 100  # folders that are tried for a dataset of their own when nothing else fits
MAX_LIST_FOLDERS = 50  # below the source folder, in which pair lists are looked for
MAX_CANDIDATES = 6  # in a message
MAX_GREY = 65535  # of a 16-bit mask
MAX_CLASS_FILE_BYTES = 1 << 20  # of a class map; one with 255 classes has some 5 kB
MAX_CLASS_NAME_CHARS = 200
MAX_VALUE_CHARS = 60  # of a value; the longest, (255, 255, 255) with spaces, has some 20
MAX_STRANGE_SHARE = 0.1  # of the colours of masks that a preset may leave unexplained
MAX_TABLES = 64  # kept at a time: as many as there are different palettes, should every mask have its own
MAX_VALUES = 1024  # kept of a mask; a photograph given as a mask would hold a hundred thousand
MAX_PEAKS = 512  # twice MAX_CLASSES: of more, the draft is refused anyway
MAX_HASH_BITS = 4  # of the 64 of two hashes that may differ; a recompressed photograph differs in 0 to 3
MAX_THUMBNAIL_ANGLE = 0.12  # between two thumbnails as vectors, in radians; see near_duplicates
MAX_SCANS = 100  # of a JPEG file; progressive ones have some ten
INFLATE_BYTES = 1 << 20  # at a time: what a stream claims to hold is only counted, never kept
MAX_TIFF_TAGS = 4096  # of one tag directory; real files have some twenty
MAX_TIFF_PAGES = 64  # a GeoTIFF has some ten overviews
MAX_TIFF_STRIPS = 1 << 20  # a million offsets: more cost more memory than the pixels
MAX_PAGE_IMAGE_BYTES = 1_200_000  # of all JPEG files on the page of a check; base64 adds a third: below 2 MB
MAX_PAGE_SAMPLES = 12
MAX_PAGE_PLACES = 100  # of one problem; the list of all is what --json is for
MAX_PAGE_LISTED = 512  # rows of the table for values of classes; a class may have several
MAX_PAGE_UNLISTED = 24  # rows for other values, of which a damaged mask has thousands
MAX_CLOSEST_UNMATCHED = 50  # names for which a close one is looked for: each costs a comparison with all others
MAX_LIKES_UNMATCHED = 500  # names that one is compared with
