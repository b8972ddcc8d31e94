"""Unpacking: records -> a dataset of images, masks and lists.

Modules, in dependency order:

    unpack  what is written where, and the command that builds it again
"""
