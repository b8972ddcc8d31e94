"""Checking: a source folder -> all that is wrong with it, a draft of its class map, and splits.

Modules, in dependency order:

    survey        pairs -> what every file of a dataset holds
    strays        which values of the masks are damage
    draft         what the masks hold -> a first classes.csv
    facts         all that is known of a dataset
    problems      the facts -> all that is wrong
    report        what a check found, as text and as JSON
    values        the table of all values of the masks
    next_command  what to run after a check
    check         a dataset -> CheckReport
    page_style    frame and style sheet of the page
    page_samples  images for the page
    page          a check -> one HTML page
    groups        which pairs stay on one side of a split
    stratify      groups -> the split of each
    split_plan    how to divide a dataset, and how it was divided
    split         a dataset without lists -> which pair goes into which split
    split_files   train.txt, val.txt, test.txt
"""
