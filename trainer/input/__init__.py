"""Input: from a folder of shards to batches of uint8 pairs for the device.

The modules, in dependency order:

    memory    how much of it this process may still take
    records   a finished folder of them, its shards checked against the manifest
    waiting   how long whoever reads a dataset waits for its next element
    decoding  a serialized record -> its pair, the pixels that Pillow reads
    caching   what of the input is kept in memory, and whether it fits
    reading   the records of one split in order: as pairs, as stored bytes, or as places in the shards
    batches   records -> batches, in an order that follows from seed and epoch
"""
