"""Dataset: records, shards and manifest: everything needed to read a dataset, without TensorFlow.

Modules, in dependency order:

    objects    the files below an address such as s3://bucket/records, for reading
    store      the location of a dataset's files, for reading
    manifest   the contents of manifest.json
    parse      untrusted text of manifest.json -> Manifest
    tfrecord   record bytes <-> shard file: framing, CRC32C, index
    integrity  verifies a shard file against its manifest entry
    example    record <-> tf.train.Example bytes
    reader     RecordSource: any record of a folder of shards, by number
    pieces     which records of which shards one of several readers has to itself
    cache      a local copy of the records at an address
    tfds       dataset_info.json, features.json, labels
    readme     README.md: what the records are, and how to read them
    croissant  croissant.json: the records for catalogues of datasets
"""
