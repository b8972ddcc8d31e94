"""Reporting: a run or records as a page, and runs side by side.

Modules, in dependency order. None needs TensorFlow, but where a run has to be scored first:

    scores        the evaluation of a run, or scoring it now
    gather        everything that is known of a run
    warnings      what a reader of the scores should know
    svg           curves and diagrams
    tables        classes and confusion matrix as HTML
    run_page      a run -> one HTML page
    skipped       the pairs that a build left out
    compare       scores of several runs, and how certain their differences are
    folds         the scores of a cross-validation
    compare_page  a comparison -> one HTML page
    records_page  a folder of records -> one HTML page
"""
