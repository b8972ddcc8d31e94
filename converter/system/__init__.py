"""System: the machine underneath: files, the console, CPUs, signals. It knows nothing of images or datasets.

Modules, in dependency order:

    console   results on stdout, everything else on stderr
    cpus      how many of them this process may keep busy
    signals   holding back those that ask a process to end
    files     reading inside a folder; writing a file so that it is whole
"""
