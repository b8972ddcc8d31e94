"""Engines: running tasks in workers, and recovering when one is lost.

Modules, in dependency order:

    events       what an engine reports of its tasks: the interface of an engine
    supervise    tasks -> results: what is retried, what is blamed, what is dropped
    local        an engine: a pool of processes on this machine
    nodes        what a machine of a cluster must have before it gets work
    ray_cluster  the connection to a Ray cluster, and its nodes
    ray_engine   an engine: the nodes of a Ray cluster
    beam_engine  an engine: an Apache Beam pipeline
    registry     the engines that `segconv build` can be told to use
"""
