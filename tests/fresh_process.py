"""What SavedModels answer in a process that imports only TensorFlow and NumPy."""

import pathlib
import subprocess
import sys
from collections.abc import Iterable, Sequence

import numpy as np

PROGRAM = """
import sys
import numpy as np
import tensorflow as tf

inputs, folder = dict(np.load(sys.argv[1])), sys.argv[2]
results = {}
for path in sys.argv[3:]:
    serve = tf.saved_model.load(f"{folder}/{path}").signatures["serving_default"]
    names = serve.structured_input_signature[1]
    for call in sorted({key.split("/")[0] for key in inputs}):
        given = {name: tf.constant(inputs[f"{call}/{name}"]) for name in names}
        for name, value in serve(**given).items():
            results[f"{path}/{call}/{name}"] = value.numpy()
assert not [name for name in sys.modules if name.startswith("safefakes")]
np.savez(sys.argv[1], **results)
"""


def serve(
    folder: pathlib.Path,
    names: Iterable[str],
    calls: Sequence[dict[str, np.ndarray]],
) -> dict[str, np.ndarray]:
    """Return the outputs as `<name>/<number of the call>/<output>`.

    Args:
        folder: where the SavedModels lie, and the arrays are exchanged.
        names: of the SavedModels.
        calls: the inputs of each call, by name; a model may lack some.
    """
    exchange = folder / "exchange.npz"
    inputs = {
        f"{number}/{name}": value
        for number, call in enumerate(calls)
        for name, value in call.items()
    }
    np.savez(exchange, **inputs)
    command = [sys.executable, "-c", PROGRAM, exchange, folder, *names]
    subprocess.run(command, check=True, cwd=folder, timeout=600)
    return dict(np.load(exchange))
