"""Engines: how tasks are run, and what is done when a worker is lost.

Modules, in dependency order:

    events     what an engine tells of its tasks: all that an engine is
    supervise  tasks -> results: what is tried again, who is blamed, what is dropped
    local      an engine: a pool of processes on this machine
"""
