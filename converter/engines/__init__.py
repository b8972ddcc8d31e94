"""Engines: how tasks are run.

Modules, in dependency order:

    local  a pool of processes on this machine
"""
