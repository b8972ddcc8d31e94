"""The converter: from photographs and label masks to checked, sharded TFRecords, without TensorFlow.

The rooms of this house, from the ground up; a module imports only from those above it
(tests/test_layers.py reads this list and holds every import against it):

    errors         every failure a user can cause, and its exit code
    schema         record keys, IGNORE_INDEX: the contract with every reader
    console        results on stdout, everything else on stderr
    processors     how many of them this process may keep busy
    config         BuildConfig and its defaults, which the command line shows
    tfrecord       record bytes <-> shard file: framing, CRC32C, index
    manifest       manifest.json, in and out
    storage        reading inside the source folder; putting a file so that it is whole
    classes        classes.csv -> ClassMap
    presets        class maps of well-known datasets
    splits         split list -> ExampleRef
    layouts        source folder -> the pairs of its splits, told by what lies there
    class_files    source folder or foreign class file -> ClassMap
    containers     picture files: which format, whole or damaged, told before a decoder sees them
    images         photograph bytes <-> uint8 [H, W, 3]
    masks          mask bytes <-> class indices uint8 [H, W]
    pairs          ExampleRef -> photograph and mask, opened, one upon the other
    records        record <-> tf.train.Example bytes
    source         RecordSource: any record of a folder of shards, by number
    pictures       overlays, legends, contact sheets
    tfds           dataset_info.json, features.json, labels
    shards         ShardTask -> ShardResult: the unit of work
    receipts       what a shard was made from; which shards need not be made again
    engines        how shard tasks are run
    commit         the output folder: its lock, and the exchange of an old dataset for a new one
    survey         pairs -> what every file of a dataset holds
    draft_classes  what the masks hold -> a first classes.csv; which values are damage
    leaks          the same photograph in two splits
    faults         what was read -> all that is wrong with it
    check          a dataset -> all that is wrong with it
    check_page     a check -> one HTML page
    make_splits    a dataset without lists -> train, val and test lists
    build          config -> check -> plan -> engine -> commit
    repair         a manifest and its sources -> the same records again, to be compared or put back
    verify         a folder of records -> all that is wrong with it
    inspect_shard  what is inside a shard or a dataset
    sample         a synthetic aerial dataset to try everything on
    cli            the segconv command
"""

__version__ = "0.1.0"
