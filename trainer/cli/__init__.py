"""CLI: the commands that need a model.

Modules, in dependency order:

    train     the command train
    bench     the command bench, which has options of train
    evaluate  the command evaluate
    predict   the command predict
    export    the command export
    report    the command report
    compare   the command compare
    doctor    the command doctor
"""
