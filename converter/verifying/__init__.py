"""Verifying: a folder of records -> all that is wrong with it; repair; and a look inside.

Modules, in dependency order:

    source_plan  the source as it is now, planned as the records were built
    derive       records made again, and compared
    repair       damaged files put back as they were built
    report       what a verification found
    scan         one shard, read from end to end
    verify       a folder of records -> Verification
    sheet        records -> a contact sheet
    inspect      what is inside a shard or a dataset
"""
