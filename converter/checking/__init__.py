"""Checking: a source folder -> all problems in it, a draft of its class map, and splits.

Modules, in dependency order:

    survey        pairs -> what each file of a dataset contains
    two_levels    masks of black, white and blends of them
    strays        which mask values are damage
    instances     mask values that mean another thing in each image
    draft         the mask values -> a draft of classes.csv
    groups        which pairs must stay in the same split
    stratify      groups -> the split of each
    split_plan    how to split a dataset, and the resulting splits
    split         a dataset without lists -> which pair goes into which split
    blocks        a few large photographs -> which block of them goes into which split
    split_source  whether a dataset may be split, and what to run afterwards
    scenes        video frames that a split has torn apart
    split_files   train.txt, val.txt, test.txt
    facts         everything known about a dataset
    resplit       whether `segconv split` would take a dataset
    problems      the facts -> all problems
    report        the result of a check, as text and as JSON
    values        the table of all mask values
    next_command  the command to run after a check
    check         a dataset -> CheckReport
    page_samples  sample images for the page
    page          a check -> one HTML page
"""
