"""Command: segconv train. What needs TensorFlow is imported inside, to keep `--help` fast."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from converter.errors import UsageError
from converter.options import RUN_GIVEN, file_defaults
from converter.system.console import log, print_result
from converter.system.signals import ended_within
from converter.system.urls import UrlPath
from trainer.choices.augments import AUGMENTATIONS, AUGMENTS, AugmentConfig
from trainer.choices.losses import LOSSES
from trainer.choices.recipes import DEFAULT_RECIPE, RECIPES
from trainer.config import (
    AUGMENT_NAMES,
    CACHE_NAMES,
    CLASS_WEIGHT_NAMES,
    ENCODER_NAMES,
    LOSS_NAMES,
    MODEL_NAMES,
    OPTIMIZER_NAMES,
    PRECISION_NAMES,
    SCHEDULE_NAMES,
    SHUFFLE_NAMES,
    TTA_NAMES,
    TrainConfig,
    without_effect,
)
from trainer.models import TAKES_ENCODER

DEFAULT = TrainConfig()
NEWEST = "newest"
CHANGEABLE = ("epochs", "data", "cache")  # when a run is resumed
SECONDS_TO_END = 1.5  # after Ctrl-C: a step may take a minute, and cannot be interrupted
RECIPE_GIVEN = "segconv.recipe"
DEFAULT_MAP = dict(RECIPES[DEFAULT_RECIPE].options)

# The first option of each section of the help.
SECTIONS = {
    "data": "Records and run",
    "model": "Model",
    "loss": "Loss",
    "optimizer": "Optimizer and schedule",
    "augment": "Augmentation",
    "precision": "Machine",
}


class InSections(click.Command):
    """A command with many options, which its help lists in sections."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the options, a heading before each section."""
        title = "Options"
        rows: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            if parameter.name in SECTIONS:
                _write_part(formatter, title, rows)
                title, rows = SECTIONS[parameter.name], []
            row = parameter.get_help_record(ctx)
            if row is not None:
                rows.append(row)
        _write_part(formatter, title, rows)

    def adapted(self, ctx: click.Context) -> dict[str, tuple[object, str]]:
        """Returns the options whose values follow from others, each with its value and the option it follows from."""
        choices = _options_of_recipe(ctx, ctx.params)
        changed = {name: (value, "follows from others") for name, value in choices.items() if value != ctx.params[name]}
        strengths = vars(_strengths(ctx, choices["augment"])).items()
        preset = f"preset {choices['augment']}"
        return changed | {name: (value, preset) for name, value in strengths if value != ctx.params[name]}


def _write_part(formatter: click.HelpFormatter, title: str, rows: list[tuple[str, str]]) -> None:
    if rows:
        with formatter.section(title):
            formatter.write_dl(rows)


def _augment_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds an option for every strength; one that is not given comes from the preset."""
    for name, row in reversed(AUGMENTATIONS.items()):
        option = name.replace("_", "-")
        if row.highest is None:
            switch = f"--{option}/--no-{option}"
            command = click.option(switch, default=None, show_default=False, help=row.help)(command)
        else:
            number = click.FloatRange(0, row.highest)
            command = click.option(f"--{option}", type=number, show_default=False, help=row.help)(command)
    return command


def _read_choices(ctx: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
    """Makes the options of another run the defaults of this one."""
    if path is not None:
        from trainer.run.info import read_run

        config = read_run(path.parent if path.is_file() else path).config
        choices = vars(config) | vars(config.strengths)
        del choices["strengths"], choices["runs"]  # the new run goes into today's --runs folder
        ctx.meta[RUN_GIVEN] = True
        _check_one_source(ctx)
        runs = {name: value for name, value in file_defaults(ctx).items() if name == "runs"}
        ctx.default_map = runs | {name: value for name, value in choices.items() if value is not None}
    return path


def _take_recipe(ctx: click.Context, parameter: click.Parameter, name: str | None) -> str | None:
    """Makes the options of a recipe that was chosen the defaults; those of the default one are so already."""
    if name is None:
        return None if RUN_GIVEN in ctx.meta else DEFAULT_RECIPE
    if _is_given(ctx, "recipe"):
        ctx.meta[RECIPE_GIVEN] = True
        _check_one_source(ctx)
    if RUN_GIVEN not in ctx.meta:
        ctx.default_map = {**RECIPES[name].options, **file_defaults(ctx), "recipe": name}
    return name


def _is_given(ctx: click.Context, name: str) -> bool:
    """Whether an option is on the command line or in the environment, not only among the defaults."""
    return ctx.get_parameter_source(name) in (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)


def _is_chosen(ctx: click.Context, name: str) -> bool:
    """Whether an option is given, or segconv.toml has it: not only a recipe, a run or a preset."""
    is_in_file = name in file_defaults(ctx) and RUN_GIVEN not in ctx.meta
    return _is_given(ctx, name) or (is_in_file and ctx.get_parameter_source(name) == ParameterSource.DEFAULT_MAP)


def _check_one_source(ctx: click.Context) -> None:
    """Raises UsageError where the defaults would come from both a run and a recipe."""
    if RUN_GIVEN in ctx.meta and RECIPE_GIVEN in ctx.meta:
        what = "cannot be used with --config, whose run has options of its own"
        raise UsageError("--recipe", what, "Leave out one of them.")


def _options_of_recipe(ctx: click.Context, choices: dict[str, Any]) -> dict[str, Any]:
    """Returns the options, those of a recipe or a run adapted to --loss, --optimizer and --epochs that were given."""
    loss = LOSSES[choices["loss"]]
    fitting = dict(choices)
    if _is_chosen(ctx, "optimizer") and not _is_chosen(ctx, "learning_rate"):
        fitting["learning_rate"] = None  # its own
    if not _is_chosen(ctx, "warmup"):
        fitting["warmup"] = min(choices["warmup"], choices["epochs"] - 1)
    for name, is_possible, off in (
        ("class_weights", loss.is_weighted, "none"),
        ("label_smoothing", loss.is_smoothed, 0.0),
    ):
        if not is_possible and _is_chosen(ctx, "loss") and not _is_chosen(ctx, name):
            fitting[name] = off
    return fitting


def _strengths(ctx: click.Context, augment: str) -> AugmentConfig:
    """Returns the strengths of the preset, changed by every option that was given.

    An --augment that was chosen overrides the strengths that come from --config or a recipe.
    """
    defaults = {ParameterSource.DEFAULT}
    if _is_chosen(ctx, "augment") or ctx.get_parameter_source("augment") == ParameterSource.DEFAULT:
        defaults.add(ParameterSource.DEFAULT_MAP)
    names = [field.name for field in dataclasses.fields(AugmentConfig)]
    is_given = {name: _is_chosen(ctx, name) or ctx.get_parameter_source(name) not in defaults for name in names}
    given = {name: ctx.params[name] for name in names if is_given[name]}
    return dataclasses.replace(AUGMENTS[augment], **given)


def log_forced_end() -> None:
    """Says how to go on; for `ended_within`."""
    log.error("Interrupted during a step. No file was left half-written; segconv train --resume RUN continues a run.")


def _warn_of_no_effect(ctx: click.Context, config: TrainConfig) -> None:
    """Warns, in one line each, of the options that were chosen, are not off, and change nothing."""
    for name, reason in without_effect(config).items():
        if _is_chosen(ctx, name) and ctx.params[name]:
            log.warning("--%s has no effect with %s.", name.replace("_", "-"), reason)


def _run_to_resume(ctx: click.Context, resume: str, runs: Path) -> tuple[TrainConfig, Path]:
    """Returns the config and the folder of the run to resume.

    Raises:
      UsageError: there is none, or an option is given that cannot change on resuming.
    """
    from trainer.run.info import CONFIG, read_run
    from trainer.run.runs import newest_run

    given = {name for name in ctx.params if ctx.get_parameter_source(name) == ParameterSource.COMMANDLINE}
    given |= {"config"} if RUN_GIVEN in ctx.meta else set()
    others = sorted(given - {"resume", "runs", *CHANGEABLE})
    if others:
        option = f"--{others[0].replace('_', '-')}"
        what = f"cannot be used with --resume; only --{', --'.join(CHANGEABLE)} and --runs can"
        raise UsageError(option, what, f"Leave {option} out, or start a new run with --config.", "E_RESUME")
    run = newest_run(runs, CONFIG) if resume == NEWEST else Path(resume)
    changed = {name: ctx.params[name] for name in given & set(CHANGEABLE)}
    return dataclasses.replace(read_run(run).config, **changed), run


@click.command(cls=InSections, context_settings={"show_default": True, "default_map": DEFAULT_MAP})
@click.option("--data", type=click.Path(path_type=UrlPath), default=DEFAULT.data, help="Folder of records.")
@click.option(
    "--runs", type=click.Path(path_type=Path), default=DEFAULT.runs, help="Folder in which to create the run folder."
)
@click.option(
    "--recipe",
    type=click.Choice(tuple(RECIPES)),
    show_default=DEFAULT_RECIPE,
    is_eager=True,
    callback=_take_recipe,
    help="Defaults of the options below: " + "; ".join(f"{name}: {row.help}" for name, row in RECIPES.items()) + ".",
)
@click.option("--epochs", type=click.IntRange(1, 10**6), default=DEFAULT.epochs, help="Maximum number of epochs.")
@click.option("--time", metavar="30m|2h", help="Train for about this long: choose --epochs by timing this machine.")
@click.option("--batch", type=click.IntRange(1), default=DEFAULT.batch, help="Batch size, over all devices.")
@click.option(
    "--seed", type=click.IntRange(0), default=DEFAULT.seed, help="Random seed of weights, order and augmentation."
)
@click.option(
    "--config",
    type=click.Path(exists=True, path_type=Path),
    is_eager=True,
    expose_value=False,
    callback=_read_choices,
    metavar="RUN",
    help="Repeat a run: take its options as defaults.",
)
@click.option(
    "--resume",
    metavar="[RUN]",
    is_flag=False,
    flag_value=NEWEST,
    help="Resume an interrupted run, by default the newest.",
)
@click.option(
    "--overfit", type=click.IntRange(0), default=0, metavar="N", help="Memorise (overfit) the first N records."
)
@click.option("--dry-run", is_flag=True, help="Run one step of training and validation; write nothing.")
@click.option(
    "--crop", metavar="HEIGHTxWIDTH", help="Train on windows of this size, cut from records of any size; see --zoom."
)
@click.option("--tensorboard", is_flag=True, help="Also write event files for TensorBoard.")
@click.option(
    "--model",
    metavar="NAME",
    default=DEFAULT.model,
    help="Model: auto (encoder_unet with ImageNet weights at hand, else unet_small), "
    f"{', '.join(MODEL_NAMES)}, or your own: package.module:function.",
)
@click.option(
    "--encoder",
    type=click.Choice(ENCODER_NAMES),
    metavar="NAME",
    help=f"Encoder of {' or '.join(TAKES_ENCODER)}: {', '.join(ENCODER_NAMES)}.",
)
@click.option(
    "--weights",
    metavar="auto|imagenet|none|PATH",
    default=DEFAULT.weights,
    help="Initial weights: ImageNet's where at hand (auto) or required, none, or from a .keras, .h5 or .pth file.",
)
@click.option("--loss", type=click.Choice(LOSS_NAMES), default=DEFAULT.loss, help="Loss function.")
@click.option(
    "--class-weights",
    type=click.Choice(CLASS_WEIGHT_NAMES),
    default=DEFAULT.class_weights,
    help="Class weights of the loss, for rare classes.",
)
@click.option(
    "--logit-adjustment",
    type=click.FloatRange(0, 1),
    default=DEFAULT.logit_adjustment,
    help="Share of log(class weight) added to the logits in the loss.",
)
@click.option(
    "--aux-loss",
    type=float,
    default=DEFAULT.aux_loss,
    help="Weight of the loss of an auxiliary head; 0 disables it.",
)
@click.option("--label-smoothing", type=float, default=DEFAULT.label_smoothing, help="Label smoothing; 0 disables it.")
@click.option("--optimizer", type=click.Choice(OPTIMIZER_NAMES), default=DEFAULT.optimizer, help="Optimizer.")
@click.option(
    "--learning-rate",
    type=float,
    show_default=f"{DEFAULT_MAP['learning_rate']:g}; of an --optimizer that is given, its own",
    help="Peak learning rate.",
)
@click.option(
    "--encoder-rate",
    type=click.FloatRange(0, 1),
    default=DEFAULT.encoder_rate,
    help="Learning rate of the encoder, as a share.",
)
@click.option(
    "--freeze", type=click.IntRange(0), default=DEFAULT.freeze, help="First epochs in which the encoder is not trained."
)
@click.option("--weight-decay", type=float, default=DEFAULT.weight_decay, help="Weight decay, for adamw only.")
@click.option("--clip-norm", type=float, default=DEFAULT.clip_norm, help="Maximum gradient norm; 0 disables it.")
@click.option("--ema", type=float, default=DEFAULT.ema, help="EMA decay of the weights, e.g. 0.999; 0 disables it.")
@click.option("--schedule", type=click.Choice(SCHEDULE_NAMES), default=DEFAULT.schedule, help="Learning rate schedule.")
@click.option("--warmup", type=click.IntRange(0), default=DEFAULT.warmup, help="Warm-up epochs.")
@click.option(
    "--plateau-patience",
    type=click.IntRange(1),
    default=DEFAULT.plateau_patience,
    help="Epochs of no lower val loss before the rate is halved.",
)
@click.option(
    "--stop-patience",
    type=click.IntRange(1),
    default=DEFAULT.stop_patience,
    help="Epochs without better val loss or mIoU before stopping.",
)
@click.option(
    "--augment",
    type=click.Choice(AUGMENT_NAMES),
    default=DEFAULT.augment,
    help="Preset (nadir: aerial images); options below adjust it.",
)
@_augment_options
@click.option(
    "--precision", type=click.Choice(PRECISION_NAMES), default=DEFAULT.precision, help="Precision of the computation."
)
@click.option(
    "--devices", metavar="auto|N|cpu:N", default=DEFAULT.devices, help="All GPUs, the first N, or N parts of the CPU."
)
@click.option("--deterministic", is_flag=True, help="Reproducible results on a GPU, too; slower.")
@click.option("--cache", type=click.Choice(CACHE_NAMES), default=DEFAULT.cache, help="Keep decoded records in memory.")
@click.option(
    "--shuffle",
    type=click.Choice(SHUFFLE_NAMES),
    default=DEFAULT.shuffle,
    help="Order of an epoch: of the whole split, or of each worker's own shards through a buffer.",
)
@click.option("--tta", type=click.Choice(TTA_NAMES), default=DEFAULT.tta, help="Test-time augmentation in validation.")
@click.pass_context
def train(ctx: click.Context, /, resume: str | None, dry_run: bool, **choices: Any) -> None:
    """Train a segmentation model from records.

    Reads the splits train and val of a dataset that `segconv build` wrote. Writes a folder RUNS/<time> with
    config.json, metrics.csv (one row per epoch), log.txt, best.keras (the epoch of the highest validation mIoU),
    state.npz (to resume from), curves.png and predictions.png, and prints the path of that folder.

    \b
    Example:
      segconv train --model unet_small --epochs 20
    """  # noqa: D301 - \b tells click not to rewrap the lines that follow
    run = None
    if resume is None:
        choices = _options_of_recipe(ctx, choices)
        if choices["time"] is not None and _is_given(ctx, "epochs"):
            raise UsageError("--epochs", "cannot be used with --time, which chooses them", "Leave out one of them.")
        known = {field.name for field in dataclasses.fields(TrainConfig)}
        strengths = _strengths(ctx, choices["augment"])
        config = TrainConfig(**{name: choices[name] for name in known & choices.keys()}, strengths=strengths)
        _warn_of_no_effect(ctx, config)
    else:
        config, run = _run_to_resume(ctx, resume, choices["runs"])
    with ended_within(SECONDS_TO_END, log_forced_end):
        if dry_run:
            from trainer.dry_run import dry_run as try_once

            print_result(try_once(config))
            return
        from trainer.training import train as run_training

        run = run_training(config, run).run
    if run.is_dir():  # of several workers, only the first one keeps it
        print_result(str(run))
