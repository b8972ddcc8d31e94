"""Input: from a folder of shards to batches of uint8 pairs for the device.

The modules, in dependency order:

    memory    how much memory this process may still use
    records   a folder of records, its shards verified against the manifest
    waiting   how long the reader of a dataset waits for its next element
    decoding  a serialized record -> its pair, with the pixels that Pillow reads
    failures  the error of a Python function that TensorFlow called
    fetching  shards of an address, fetched when they are needed
    caching   which part of the input is kept in memory, and whether it fits
    reading   the records of one split in order: as pairs, as stored bytes, or as positions in the shards
    batches   records -> batches, in an order that follows from seed and epoch
"""
