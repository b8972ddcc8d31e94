"""The converter: from photographs and label masks to checked, sharded TFRecords, without TensorFlow.

The rooms of this house, from the ground up; a module imports only from those above it
(tests/test_layers.py reads this list and holds every import against it):

    errors         every failure a user can cause, and its exit code
    schema         record keys, IGNORE_INDEX: the contract with every reader
    console        results on stdout, everything else on stderr
    config         BuildConfig and its defaults, which the command line shows
    manifest       manifest.json, in and out
    storage        reading inside the source folder; putting a file so that it is whole
    classes        classes.csv -> ClassMap
    splits         split list -> ExampleRef
    layouts        source folder -> its split lists and image and mask folders
    images         photograph bytes <-> uint8 [H, W, 3]
    masks          mask bytes <-> class indices uint8 [H, W]
    records        record <-> tf.train.Example bytes
    tfrecord       record bytes <-> shard file: framing, CRC32C, index
    source         RecordSource: any record of a folder of shards, by number
    pictures       overlays, legends, contact sheets
    tfds           dataset_info.json, features.json, labels
    shards         ShardTask -> ShardResult: the unit of work
    engines        how shard tasks are run
    build          config -> check -> plan -> engine -> commit
    inspect_shard  what is inside a shard or a dataset
    sample         a synthetic aerial dataset to try everything on
    cli            the segconv command
"""

__version__ = "0.1.0"
