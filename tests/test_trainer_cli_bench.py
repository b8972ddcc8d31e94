"""The command bench."""

from __future__ import annotations

import dataclasses

import pytest
from click.testing import CliRunner

from converter.cli import segconv as group
from trainer.cli.bench import bench
from trainer.config import of_recipe


def test_options_mean_what_they_mean_in_train():
    ours, theirs = ({option.name: option for option in group.commands[name].params} for name in ("bench", "train"))
    shared = (ours.keys() & theirs.keys()) - {"show_config"}
    assert shared == {"model", "encoder", "batch", "augment", "precision", "devices"}
    for name in shared:
        one, other = ours[name].to_info_dict(), theirs[name].to_info_dict()
        if name == "augment":  # train has a default and options that change it
            for part in ("help", "default", "show_default"):
                one.pop(part, None), other.pop(part, None)
        assert one == other
    assert ours["records"].default == theirs["data"].default


@pytest.mark.tf
@pytest.mark.parametrize(("options", "augment"), [((), None), (("--augment", "light"), "light")])
def test_what_is_timed_is_the_default_recipe(monkeypatch, options, augment):
    import trainer.bench

    seen = []

    def record(config, **_):
        seen.append(config)
        raise KeyboardInterrupt

    monkeypatch.setattr(trainer.bench, "bench", record)
    CliRunner().invoke(bench, ["--batch", "4", *options])
    assert [dataclasses.replace(config, data=of_recipe("default").data) for config in seen] == [
        of_recipe("default", augment=augment, batch=4)
    ]
