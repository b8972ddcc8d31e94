"""Verifying: a folder of records -> all problems in it; repair; and a look inside.

Modules, in dependency order:

    source_plan  the source as it is now, planned as the records were built
    derive       records rebuilt from their sources, and compared
    repair       damaged files rebuilt exactly as they were
    report       what a verification found
    scan         one shard, read completely
    verify       a folder of records -> Verification
    sheet        records -> a contact sheet
    stitch       the tiles of a photograph -> its class map
    inspect      what is inside a shard or a dataset
"""
