"""System: files, console, CPUs, signals. Knows nothing of images or datasets.

Modules, in dependency order:

    console   results on stdout, everything else on stderr
    cpus      number of usable CPUs
    signals   blocking SIGINT, SIGTERM and SIGHUP for a while
    urls      paths that are addresses of object stores
    files     reading inside a folder; atomic writes
    locks     one process at a time in a folder
    outputs   the file that a user names for a page or an image
"""
