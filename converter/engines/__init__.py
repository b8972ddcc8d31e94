"""Engines: running tasks in workers, and recovering when one is lost.

Modules, in dependency order:

    events     what an engine reports of its tasks: the interface of an engine
    supervise  tasks -> results: what is retried, what is blamed, what is dropped
    local      an engine: a pool of processes on this machine
"""
