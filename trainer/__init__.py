"""The trainer: from a folder of records to a trained, scored Keras segmentation model.

The public names are here, and are imported on first use: `import trainer` alone loads neither NumPy nor Keras.
Everything else is private and may change from version to version.

    >>> from pathlib import Path
    >>> from trainer import TrainConfig, evaluate, load_model, read_run, train
    >>> report = train(TrainConfig(data=Path("records"), model="unet_small", epochs=1, batch=2))
    >>> 0 <= report.scores.pixel_accuracy <= 1
    True
    >>> evaluate(report.run, "val").split
    'val'
    >>> info = read_run(report.run)
    >>> model = load_model(report.run / "best.keras", info.config.model)
    >>> model.output_shape == (None, *info.size, len(info.classes))
    True

The modules, in dependency order; a module imports only those above it, and a folder lists its own in its docstring.
From the converter they use only what reads its records and draws its classes:

    choices     what is chosen by name: one table per kind, one line per entry
    backend     the only module that imports TensorFlow and Keras; one clear error where they are missing
    models      name -> Keras model, 0..255 in, logits at input size out
    config      TrainConfig and its defaults, which the command line shows
    devices     GPUs, precision and determinism: what is decided before a model is built
    input       shards -> tf.data of uint8 batches, in an order that follows from seed and epoch
    learning    augmentation, losses, metrics, optimizers, and the training step that joins them
    run         the run folder, and what is written there at the end of an epoch
    prediction  photographs -> class maps at their own size, as files
    setup       config -> manifest, devices, trainer and batches; invalid options are refused here
    evaluation  a saved model held against true masks: scores, confusion matrix, images
    exporting   the best model of a run -> a file for another runtime
    reporting   a run or records as a page, and runs side by side
    failures    errors of a step that a user can do something about, in one line
    timing      how long steps take, and how many epochs fit in a time
    dry_run     one training and one validation step, and an estimate of the memory
    bench       input and step, each timed separately: the bottleneck, and what to change
    doctor      what is installed, and what each extra would bring
    training    setup -> fit -> best.keras -> scores
    cli         the commands train, bench, evaluate, predict, export, report, compare and doctor
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainer.choices.augments import AUGMENTS, AugmentConfig
    from trainer.config import TrainConfig
    from trainer.evaluation.records import evaluate
    from trainer.evaluation.scoring import Evaluation
    from trainer.models.load import load_model
    from trainer.run.info import RunInfo, read_run
    from trainer.training import TrainReport, train

__all__ = [
    "AUGMENTS",
    "AugmentConfig",
    "Evaluation",
    "RunInfo",
    "TrainConfig",
    "TrainReport",
    "evaluate",
    "load_model",
    "read_run",
    "train",
]

_HOMES = {
    "AUGMENTS": "trainer.choices.augments",
    "AugmentConfig": "trainer.choices.augments",
    "Evaluation": "trainer.evaluation.scoring",
    "RunInfo": "trainer.run.info",
    "TrainConfig": "trainer.config",
    "TrainReport": "trainer.training",
    "evaluate": "trainer.evaluation.records",
    "load_model": "trainer.models.load",
    "read_run": "trainer.run.info",
    "train": "trainer.training",
}


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pkgutil import resolve_name

    value = globals()[name] = resolve_name(f"{_HOMES[name]}:{name}")
    return value


def __dir__() -> list[str]:
    """Returns the public names, for completion."""
    return sorted({*globals(), *__all__})
