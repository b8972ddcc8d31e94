"""Building: a source folder -> a folder of records.

Modules, in dependency order:

    tally     what is counted over records while they are made
    convert   one pair -> its record
    commit    the output folder: its lock, and the exchange of an old dataset for a new one
    store     what is asked of the place that a build writes to, and the folder of this machine
    shards    ShardTask -> ShardResult: the unit of work
    receipts  what a shard was made from; which shards need not be made again
    plan      config -> the shards to be made
    report    what a build did, and which pairs it refused
    summary   results of the shards -> manifest
    output    what lies in the output folder already
    dry_run   what a build would do
    build     config -> check -> plan -> engine -> commit
"""
