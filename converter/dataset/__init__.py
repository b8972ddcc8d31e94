"""Dataset: records, shards and manifest: all that somebody who only reads needs, without TensorFlow.

Modules, in dependency order:

    store      where the files of a dataset lie, for whoever reads them
    manifest   what manifest.json holds
    parse      the text of manifest.json, which is not trusted -> Manifest
    tfrecord   record bytes <-> shard file: framing, CRC32C, index
    integrity  a shard file, compared with its manifest entry
    example    record <-> tf.train.Example bytes
    reader     RecordSource: any record of a folder of shards, by number
    tfds       dataset_info.json, features.json, labels
"""
