"""Fuzzing of every parser that meets bytes of others; `python tests/fuzz/run.py --help` says how."""
