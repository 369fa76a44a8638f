r"""What the faces that CIAGAN blacks out cost a detector, whatever it paints elsewhere.

    python -m benchmarks.blacked_out_faces --workdir=results/blacked_out_faces

CIAGAN blacks out a face without keypoints, as at the border of a photo of the crowd.
Here the filters black out those same faces, and treat the others as ever.
Each is trained and tested as by `make demo`. Printed: how many faces are black, and the
AP of each detector; that of `original` is the most that CIAGAN could reach by painting
faces as good as real ones. About three minutes per filter on one thread.
"""

import dataclasses
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import tensorflow as tf
from absl import app, flags

from configs import quickstart
from safefakes_tf import faces
from safefakes_tf.anonymizers import filters
from safefakes_tf.anonymizers import registry as anonymizers
from safefakes_tf.anonymizers.ciagan import anonymizer as ciagan
from safefakes_tf.config import names, with_bundled_weights
from safefakes_tf.faces import BLACKED_OUT
from safefakes_tf.runs import evaluate, train_detector
from tfds_builders import registry as builders

_WORKDIR = flags.DEFINE_string("workdir", None, "Where results go.", required=True)
_FILTERS = flags.DEFINE_multi_enum(
    "filter", ["original", "pixelate"], names.filters(), "What becomes of other faces."
)


def with_gaps(kind: type, model: ciagan.Ciagan) -> type:
    """Return a filter that blacks out what CIAGAN does."""

    class Gaps(kind):
        keypoints = model.keypoints

        def decide(self, image, faces):
            black = model.decide(image, faces) == BLACKED_OUT
            own = super().decide(image, faces)
            return tf.where(black, tf.cast(BLACKED_OUT, tf.int64), own)

    return Gaps


def share_of_black(config, model) -> str:
    """Count the faces of training that CIAGAN blacks out."""
    records = builders.create_source_builder(config.data).as_dataset(split="train")
    black = count = 0
    for record in records:
        action = model.decide(record[faces.IMAGE], faces.from_record(record))
        black += int(tf.reduce_sum(tf.cast(action == BLACKED_OUT, tf.int32)))
        count += int(tf.size(action))
    return f"{black} of {count} faces ({black / count:.1%})"


def main(_):
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    config = quickstart.get_config()
    config = dataclasses.replace(
        config, data=dataclasses.replace(config.data, anonymize="on_the_fly")
    )
    painted = dataclasses.replace(config.data, anonymizer="ciagan")
    options = with_bundled_weights(painted).anonymization
    model = anonymizers.create("ciagan", options, config.seed)
    lines = []
    for name in _FILTERS.value:
        part = dataclasses.replace(
            config, data=dataclasses.replace(config.data, anonymizer=name)
        )
        method = filters.METHODS[name]
        filters.METHODS[name] = anonymizers.Method(with_gaps(method.anonymizer, model))
        folder = pathlib.Path(_WORKDIR.value) / name
        train_detector.run(part, folder)
        result = evaluate.run(part, folder)
        figures = [*result.ap.values(), result.mean_ap]
        lines.append(
            f"| {name} | " + " | ".join(f"{100 * f:.1f}" for f in figures) + " |"
        )
    print(f"\nblacked out as by CIAGAN: {share_of_black(config, model)}")
    print(*lines, sep="\n")


if __name__ == "__main__":
    app.run(main)
