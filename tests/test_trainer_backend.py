"""The import of TensorFlow: silent, and a clear error where it is missing."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=inherited | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("backend", "module", "name"), [("tensorflow", "tensorflow", "TensorFlow"), ("jax", "jax", "JAX")]
)
def test_a_missing_backend_is_one_line_that_says_how_to_install_it(backend, module, name):
    code = f"""
import sys
sys.modules["{module}"] = None
from converter.errors import UsageError
try:
    import trainer.backend
except UsageError as error:
    print(error)
"""
    done = run_python(code, KERAS_BACKEND=backend)
    assert done.stdout.startswith(f"segconv: {name} is not installed (")
    assert done.stdout.endswith("Install it: pip install 'segconv[train]'\n")
    assert done.stderr == ""


@pytest.mark.tf
def test_tensorflow_starts_without_a_word():
    done = run_python("from trainer.backend import keras, tf; tf.constant(1) + 1; keras.ops.ones(3)")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("module", ["config", "run.runs", "cli"])
def test_what_the_command_line_needs_imports_no_tensorflow(module):
    done = run_python(f"import sys, trainer.{module}; print({{'tensorflow', 'keras', 'numpy'}} & set(sys.modules))")
    assert done.stdout == "set()\n"


@pytest.mark.tf
def test_one_device_has_the_whole_batch_and_the_seeds_of_keras():
    from trainer.backend import ReplicaSeeds, keras, num_replicas, sum_over_replicas

    x = keras.ops.ones(3)
    assert num_replicas() == 1
    assert sum_over_replicas(x) is x
    own, usual = ReplicaSeeds(7), keras.random.SeedGenerator(7)
    for _ in range(2):
        one, other = (keras.ops.convert_to_numpy(generator.next()).tolist() for generator in (own, usual))
        assert one == other
