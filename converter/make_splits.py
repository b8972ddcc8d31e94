"""Make splits: a dataset without lists -> train, val and test lists."""
