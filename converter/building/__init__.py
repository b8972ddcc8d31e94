"""Building: a source folder -> a folder of records.

Modules, in dependency order:

    tally     counts over records, taken while they are built
    convert   one pair -> its record
    photos    a photograph, decoded once or read by windows -> the record of a tile
    tiles     pairs -> records; tiles of one photograph share the work
    commit    the output folder: its lock, and the replacement of an old dataset by a new one
    store     the interface of the place that a build writes to, and the local folder
    lease     one build at a time below an address
    object_store  records at an address as a Store
    places    path or address -> its Store
    shards    ShardTask -> ShardResult: the unit of work
    receipts  what a shard was built from; which shards can be reused
    sharding  the pairs of a split -> their order, and their shards
    plan      config -> the shards to build
    report    what a build did, and which pairs it refused
    summary   shard results -> manifest
    beside    the small files beside the shards, those for people included
    output    what the output folder already contains
    dry_run   what a build would do
    command   config -> the command that a user types for it
    begin     what every build does first: measure, plan, warn
    array     tasks of an array: each builds its share of the shards
    build     config -> check -> plan -> engine -> commit
"""
