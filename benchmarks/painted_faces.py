r"""How good are the faces that generators paint on photos that they never saw?

  python -m benchmarks.painted_faces WEIGHTS... --photos=DIR --annotations=FILE

For each file of a generator every face of the photos is painted anew and compared with
what was there: L1 and LPIPS (lower is nearer to the person, not better looking),
Fréchet distance on MobileNetV2 features (lower is better; comes out too large for few
faces), and the share of painted faces on which MediaPipe's landmarker finds a mesh.
The originals are the first row. LPIPS and the Fréchet distance need `make weights`.

Rows go to a CSV file, with the number of images that the training had shown;
`python -m tools.draw_curves` draws them. Photos are the project's samples unless others
are named; annotations are as `--mode=anonymize` takes them, from within their folder.
About a minute a file for 200 faces, on two cores.
"""

import argparse
import dataclasses
import os
import pathlib
from collections.abc import Iterable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as main.py does

import numpy as np
import tensorflow as tf

from benchmarks.landmarker_on_crowd import is_found, make_landmarker
from safefakes_tf import faces
from safefakes_tf.anonymizers import generator_files
from safefakes_tf.anonymizers import registry as anonymizers
from safefakes_tf.config import DataConfig, OwnFacesConfig
from safefakes_tf.config.data import STRICT
from safefakes_tf.config.similarity import SimilarityConfig
from safefakes_tf.evaluation import metric_tables
from safefakes_tf.evaluation.similarity import comparison
from safefakes_tf.keypoints import model_files
from safefakes_tf.training import record_stream
from tfds_builders import registry as builders

SAMPLES = pathlib.Path(__file__).parents[1] / "safefakes_tf" / "samples"
METRICS = ("l1", "lpips", "frechet_mobilenet_v2")


def main():
    """Paint, compare, look for faces, print."""
    arguments = parse()
    data = DataConfig(
        dataset="own_faces",
        manual_dir=arguments.photos,
        data_dir=arguments.data_dir,
        anonymization=STRICT,
        own_faces=OwnFacesConfig(
            annotations=arguments.annotations, validation_share=0.0
        ),
    )
    source = builders.create_source_builder(data)
    builders.prepare(source)
    originals = list(source.as_dataset("train").as_numpy_iterator())
    with make_landmarker(model_files.find("face_landmarker.task", None)) as landmarker:
        rows = [{"weights": "original", **found(originals, landmarker)}]
        for path in arguments.weights:
            rows.append(judged(path, data, source, originals, landmarker))
            print(metric_tables.markdown(rows[-1:]), flush=True)
    print(metric_tables.markdown(rows))
    metric_tables.write(pathlib.Path(arguments.csv), rows)
    print(f"table:   {arguments.csv}")
    print(f"next:    python -m tools.draw_curves --tables={arguments.csv}")


def judged(path, data, source, originals, landmarker) -> metric_tables.Row:
    """Return the row of a generator's file."""
    about = generator_files.read_about(path)
    options = dataclasses.replace(data.anonymization, weights=path)
    method = anonymizers.create(about.method, options, 0, source.keypoint_layout)
    records = source.encoded_with_keypoints("train").map(record_stream.decode)
    painted = [
        {name: np.asarray(value) for name, value in method(record).items()}
        for record in records
    ]
    result = comparison.compare(originals, painted, SimilarityConfig(METRICS))
    for name, reason in result.left_out.items():
        print(f"{name} is left out: {reason}")
    shown = {"weights": path, "method": about.method}
    if about.images is not None:
        shown["images"] = about.images
    return shown | result.values | found(painted, landmarker)


def found(records: Iterable[faces.Record], landmarker) -> dict[str, float]:
    """Return the number of faces, and the share of those that MediaPipe finds."""
    hits = [
        is_found(landmarker, record[faces.IMAGE], box)
        for record in records
        for box in _pixels(record)
    ]
    return {"faces": len(hits), "found": float(np.mean(hits))}


def _pixels(record):
    """Return left, top, width and height of boxes in pixels."""
    size = np.tile(record[faces.IMAGE].shape[:2], 2)
    top, left, bottom, right = (record[faces.BBOX] * size).T
    return np.stack([left, top, right - left, bottom - top], axis=1)


def parse():
    """Return the arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("weights", nargs="*", help="generators' .npz files")
    parser.add_argument("--photos", default=str(SAMPLES), help="folder")
    parser.add_argument("--annotations", default="boxes.csv", help="in that folder")
    parser.add_argument("--data_dir", help="prepared data sets")
    parser.add_argument("--csv", default="painted_faces.csv", help="file to write")
    return parser.parse_args()


if __name__ == "__main__":
    tf.config.set_visible_devices([], "GPU")
    main()
