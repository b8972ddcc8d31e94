"""Build: from the name of a model to the model itself, uncompiled, with its initial weights."""

from __future__ import annotations

from pathlib import Path
from pkgutil import resolve_name

from converter.errors import UsageError
from trainer.backend import keras
from trainer.models import HAS_ENCODER, MODELS, TAKES_ENCODER, encoder_of
from trainer.models.custom import build_custom
from trainer.models.transfer import ClassNames, copy_weights


def build_model(
    name: str,
    size: tuple[int, int],
    num_classes: int,
    *,
    encoder: str | None = None,
    weights: str = "none",
    names: ClassNames | None = None,
) -> keras.Model:
    """Returns a model, uncompiled.

    Args:
      name: a key of MODELS, or "package.module:function".
      size: (height, width) of input and output, in pixels; 32 or more.
      num_classes: number of classes.
      encoder: one of ENCODER_NAMES, for a model of TAKES_ENCODER; None for the default.
      weights: "none", "imagenet", or the path of a file, as in TrainConfig, but not "auto".
      names: class names, by which a head in a `.keras` file is matched; None for the same classes.

    Raises:
      UsageError: encoder or weights do not fit this model, or a custom model breaks the contract.
      MachineError: ImageNet weights can neither be found nor downloaded.
    """
    if encoder is not None and name not in TAKES_ENCODER:
        what = f"is {encoder!r}, but {name} takes none; only {', '.join(TAKES_ENCODER)} do"
        raise UsageError("--encoder", what, f"Pass --model {TAKES_ENCODER[0]}, or leave out --encoder.")
    row = MODELS.get(name)
    options = dict(row.options) if row else {}
    if encoder is not None:
        options["encoder"] = encoder
    of_encoder = weights == "imagenet" or Path(weights).suffix in (".h5", ".pth")
    if of_encoder:
        _check_has_encoder(name, encoder, weights)
        options["weights"] = weights
    model = resolve_name(row.builder)(size, num_classes, **options) if row else build_custom(name, size, num_classes)
    if weights != "none" and not of_encoder:
        copy_weights(Path(weights), model, name, names, lambda other: build_model(name, size, other, encoder=encoder))
    return model


def _check_has_encoder(name: str, encoder: str | None, weights: str) -> None:
    """Raises UsageError where encoder weights are asked for, and the model has no encoder."""
    if encoder_of(name, encoder) is None:
        what = f"{name} has no encoder with published weights; these models have one: {', '.join(HAS_ENCODER)}"
        others = "for example --encoder resnet50" if name in TAKES_ENCODER else "the best.keras of an earlier run"
        raise UsageError(f"--weights {weights}", what, f"Pass --weights none, or {others}.", "E_WEIGHTS")
