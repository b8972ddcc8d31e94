"""The command bench."""

from __future__ import annotations

from converter.cli import segconv as group


def test_options_mean_what_they_mean_in_train():
    ours, theirs = ({option.name: option for option in group.commands[name].params} for name in ("bench", "train"))
    shared = (ours.keys() & theirs.keys()) - {"show_config"}
    assert shared == {"model", "encoder", "batch", "augment", "precision", "devices"}
    for name in shared:
        one, other = ours[name].to_info_dict(), theirs[name].to_info_dict()
        if name == "augment":  # train's help refers to the options below it
            del one["help"], other["help"]
        assert one == other
    assert ours["records"].default == theirs["data"].default
