"""segconv.toml: its defaults, what overrides them, what is refused, and --show-config."""

from __future__ import annotations

import dataclasses
import json
import os
import tomllib

import pytest
from command_line import assert_one_line
from manifests import MANIFEST

from converter.cli import segconv as group
from converter.cli.defaults import read_defaults
from converter.errors import UsageError
from converter.limits import MAX_DEFAULTS_BYTES
from trainer.choices.augments import AUGMENTS, AugmentConfig
from trainer.choices.recipes import RECIPES
from trainer.config import TrainConfig
from trainer.run.runs import create_run


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Returns a function that writes segconv.toml into the current folder, an empty one."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("SEGCONV_")]:
        monkeypatch.delenv(name)
    return (tmp_path / "segconv.toml").write_text


def shown(capsys, *words: str) -> tuple[dict[str, object], dict[str, str]]:
    """Returns the options that --show-config prints, as TOML reads them, and where each value comes from."""
    group.main([*words, "--show-config"], standalone_mode=False)
    out = capsys.readouterr().out
    origins = dict(line.partition("  # ")[::2] for line in out.splitlines() if line[0] not in "[#")
    return tomllib.loads(out)[words[0]], {
        name.partition(" = ")[0].strip(): origin.strip() for name, origin in origins.items()
    }


def test_the_command_line_comes_before_the_environment_the_file_and_the_defaults(here, monkeypatch, capsys):
    here('[build]\nsrc = "photos"\nsize = 360\nfit = "crop"\nshard_mb = 16\nmax-bad = 2\nlist = ["val=v.txt"]\n')
    monkeypatch.setenv("SEGCONV_BUILD_FIT", "stretch")
    monkeypatch.setenv("SEGCONV_BUILD_SHARD_MB", "32")
    values, origins = shown(capsys, "build", "--shard-mb", "64")
    assert values["shard-mb"] == 64
    assert origins["shard-mb"] == "command line"
    assert values["fit"] == "stretch"
    assert origins["fit"] == "environment"
    assert values["size"] == "360x360"
    assert (values["src"], values["max-bad"]) == ("photos", 2.0)
    assert {origins[name] for name in ("size", "src", "max-bad", "list")} == {"segconv.toml"}
    assert values["on-error"] == "fail"
    assert origins["on-error"] == "default"


def test_a_build_needs_no_option_that_the_file_has(segconv, dataset, tmp_path):
    (tmp_path / "segconv.toml").write_text('[build]\nsrc = "dataset"\nsize = "24x32"\nworkers = 1\nkeep-size = false\n')
    done = segconv("build", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["size"] == [24, 32]


def test_what_is_shown_is_a_file_that_gives_the_same(here, capsys):
    for command, words in (("build", ["--src", 'a "b"', "--list", "val=v.txt"]), ("train", ["--recipe", "best"])):
        group.main([command, *words, "--show-config"], standalone_mode=False)
        first = capsys.readouterr().out
        here(first)
        values, origins = shown(capsys, command)
        assert values == tomllib.loads(first)[command]
        assert set(origins.values()) == {"segconv.toml"}


def test_nothing_is_required_to_show_the_options_and_all_is_again_afterwards(here, capsys, segconv):
    assert "# src" in _lines(capsys, "build")
    assert "not set" in _lines(capsys, "predict")
    assert all(each.required for each in group.commands["build"].params if each.name == "src")
    assert_one_line(segconv("build"), 2, "Missing option '--src'")


def _lines(capsys, command: str) -> str:
    group.main([command, "--show-config"], standalone_mode=False)
    return capsys.readouterr().out


@pytest.mark.parametrize("command", group.commands)
def test_every_command_shows_its_options(here, capsys, command):
    tomllib.loads(_lines(capsys, command))


def test_the_file_comes_before_a_recipe_and_may_name_one(here, capsys):
    here("[train]\nepochs = 7\n")
    values, origins = shown(capsys, "train", "--recipe", "best")
    assert (values["epochs"], origins["epochs"]) == (7, "segconv.toml")
    assert (values["augment"], origins["augment"]) == ("strong", "recipe best")
    here('[train]\nrecipe = "tutorial"\nbatch = 2\n')
    values, origins = shown(capsys, "train")
    assert (values["recipe"], origins["recipe"]) == ("tutorial", "segconv.toml")
    assert (values["model"], origins["model"]) == ("resnet50_segnet", "recipe tutorial")
    assert (values["batch"], values["epochs"]) == (2, 50)
    values, origins = shown(capsys, "train", "--recipe", "fast")
    assert (values["epochs"], values["batch"]) == (RECIPES["fast"].options["epochs"], 2)


def test_what_the_file_chooses_changes_what_follows_from_it_as_on_the_command_line(here, capsys):
    here('[train]\noptimizer = "sgd"\nloss = "dice"\naugment = "strong"\nblur = 3\n')
    values, origins = shown(capsys, "train")
    assert "learning-rate" not in values  # its own, not that of the recipe
    assert values["class-weights"] == "none"
    assert origins["class-weights"] == "follows from others"
    strengths = dataclasses.replace(AUGMENTS["strong"], blur=3)
    assert {name: values[name.replace("_", "-")] for name in vars(strengths)} == vars(strengths)
    assert (origins["blur"], origins["zoom"]) == ("segconv.toml", "preset strong")
    values, origins = shown(capsys, "train", "--augment", "nadir")
    assert values["blur"] == 3
    assert values["quarter-turns"] is AUGMENTS["nadir"].quarter_turns


def test_a_run_that_is_repeated_is_not_changed_by_the_file_but_for_its_place(here, tmp_path, capsys):
    config = TrainConfig(tmp_path / "records", model="unet", loss="dice", strengths=AugmentConfig(hue=7))
    run = create_run(dataclasses.replace(config, runs=tmp_path / "old"), MANIFEST)
    here('[train]\nruns = "new"\nmodel = "segnet"\ncrop = "64"\nrecipe = "best"\nnoise = 3\naugment = "strong"\n')
    values, origins = shown(capsys, "train", "--config", str(run))
    assert (values["runs"], values["model"], values["loss"]) == ("new", "unet", "dice")
    assert (origins["model"], "crop" in values) == ("--config", False)
    assert {name: values[name.replace("_", "-")] for name in vars(config.strengths)} == vars(config.strengths)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[build\n", "segconv.toml: is not TOML"),
        ("size = 3\n", "has 'size' outside of any table"),
        ("[biuld]\nsize = 3\n", "[biuld]: names no command; the closest is 'build'"),
        ("[build]\nsise = 3\n", "[build] sise: is no option of segconv build; the closest is 'size'"),
        ("[train]\nepochs = '7'\n", '[train] epochs: is "7". Write a whole number: epochs = 8'),
        ("[train]\nepochs = true\n", "[train] epochs: is true"),
        ("[train]\nepochs = 0\n", "[train] epochs: 0 is not in the range"),
        ("[train]\nzoom = 'far'\n", "Write a number: zoom = 0.5"),
        ("[train]\nloss = 'l2'\n", "[train] loss: 'l2' is not one of"),
        ("[train]\ntensorboard = 'yes'\n", "Write true or false: tensorboard = true"),
        ("[train]\nresume = true\n", "[train] resume: is no option"),
        (f"[train]\nseed = {'9' * 5000}\n", "segconv.toml: is not TOML"),
        (f"[train]\nzoom = {'9' * 400}\n", "[train] zoom: is too large"),
        ("[build]\nsize = '3by4'\n", "[build] size: '3by4' is not a valid size"),
        ("[build]\nsize = [3, 4]\n", "[build] size: is [3, 4]. Write a text in quotes"),
        ("[build]\nlist = 'val.txt'\n", '[build] list: is "val.txt". Write an array, each a text in quotes'),
        ("[build]\nsize = 2026-11-29\n", "is of the type date"),
        ("[build.size]\na = 1\n", "is of the type dict"),
    ],
)
def test_what_does_not_fit_is_refused_with_file_key_and_fix(here, text, said):
    here(text)
    with pytest.raises(UsageError) as refused:
        group.main(["check", "--src", "d"], standalone_mode=False)
    assert said in str(refused.value)
    assert str(refused.value).startswith("segconv.toml")


def test_a_file_that_does_not_fit_is_one_line_and_keeps_nobody_from_the_help(segconv, tmp_path):
    (tmp_path / "segconv.toml").write_text("[build]\nsize = 'x'\n")
    assert_one_line(segconv("check", "--src", "d"), 2, "Error: segconv.toml [build] size: 'x' is not a valid size")
    assert segconv("build", "--help").returncode == 0


def test_the_help_shows_the_default_of_the_file(here, capsys):
    here("[build]\nshard-mb = 77\n")
    group.main(["build", "--help"], standalone_mode=False)
    assert "[default: 77; x>=1]" in " ".join(capsys.readouterr().out.split())


def test_a_file_that_is_too_large_or_no_file_is_refused(here, tmp_path):
    here("#" * (MAX_DEFAULTS_BYTES + 1))
    with pytest.raises(UsageError, match=r"segconv\.toml: cannot be read \(more than"):
        read_defaults(group)
    (tmp_path / "segconv.toml").unlink()
    assert read_defaults(group) == {}
    (tmp_path / "segconv.toml").mkdir()
    with pytest.raises(UsageError, match="Make it a readable file"):
        read_defaults(group)
