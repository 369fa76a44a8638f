r"""Anonymize face photos, train a face detector on them, and measure what it costs.

  python main.py --mode=study --config=quickstart      the question in miniature
  python main.py --mode=build_dataset --anonymizer=blur --dataset=synthetic_crowd
  python main.py --mode=train_detector --anonymizer=blur --dataset=widerface
  python main.py --mode=evaluate --anonymizer=blur --dataset=widerface
  python main.py --mode=evaluate --predictions=DIR --ground_truth=DIR
  python main.py --mode=preview                        every anonymizer side by side
  python main.py --mode=export --anonymizer=blur       a SavedModel
  python main.py --mode=import_weights --model=dsfd --source=FILE
  python main.py --mode=train_anonymizer --anonymizer=deepprivacy
  python main.py --mode=anonymize --anonymizer=blackout --input=DIR \
      --annotations=FILE --output=DIR

A run's settings are those of a file in configs/, changed by --set, e.g.
--set=loop.total_steps=1000. --dry_run prints them and stops.
"""

import gc
import importlib
import os
import pathlib
import sys
import traceback

from absl import app, flags, logging

from safefakes_tf import command
from safefakes_tf import config as config_lib

ROOT = pathlib.Path(__file__).resolve().parent
CONFIG_NAMES = tuple(
    sorted(p.stem for p in (ROOT / "configs").glob("*.py") if p.stem != "__init__")
)

FLAGS = flags.FLAGS
flags.DEFINE_string("mode", None, f"what to do: {', '.join(config_lib.MODES)}")
flags.DEFINE_string("config", None, f"settings, one of: {', '.join(CONFIG_NAMES)}")
flags.DEFINE_multi_string("set", [], "change a setting, e.g. loop.total_steps=1000")
flags.DEFINE_string(
    "anonymizer", None, f"one of: {', '.join(config_lib.ANONYMIZER_NAMES)}"
)
flags.DEFINE_string("dataset", None, f"one of: {', '.join(config_lib.DATASET_NAMES)}")
flags.DEFINE_string("workdir", None, "where results go; default: results/<what runs>")
flags.DEFINE_string("data_dir", None, "where prepared data sets are kept")
flags.DEFINE_string("manual_dir", None, "where raw photos and annotations lie")
flags.DEFINE_string(
    "weights",
    None,
    "of the generator, where --anonymizer has one; else of the detector to start from; "
    "with --mode=evaluate always of the detector",
)
flags.DEFINE_integer(
    "seed",
    None,
    "seed of all but the photos of synthetic_crowd, which is data.crowd.seed",
)
flags.DEFINE_string("predictions", None, "evaluate this folder of prediction files")
flags.DEFINE_string("ground_truth", None, "folder of the WIDER FACE .mat files")
flags.DEFINE_string(
    "model", None, f"import weights of one of: {', '.join(config_lib.IMPORTED_NAMES)}"
)
flags.DEFINE_string("source", None, "checkpoint to import: of PyTorch, or an .npz")
flags.DEFINE_string("input", None, "folder of photos to anonymize")
flags.DEFINE_string("annotations", None, "boxes on them: WIDER .txt, COCO .json, .csv")
flags.DEFINE_string("output", None, "folder to make for the anonymized photos")
flags.DEFINE_bool("dry_run", False, "print the settings and stop")


def main(argv):
    if len(argv) > 1:
        raise ValueError(f"expected flags only; got {' '.join(argv[1:])}")
    config_lib.check_choice("--mode", FLAGS.mode or "", config_lib.MODES)
    if FLAGS.verbosity == logging.INFO:  # as app.run sets it
        logging.set_verbosity(logging.WARNING)  # TFDS tells at length what it reads
    typed = FLAGS.flag_values_dict()
    config, workdir = _settings(typed)
    print(config_lib.to_json(config))
    if FLAGS.dry_run:
        return
    command.check_further_flags(typed)
    name = command.run_name(typed)
    run = importlib.import_module(f"safefakes_tf.runs.{name}").run
    further = command.FURTHER_FLAGS.get(name, ())
    run(config, workdir, *(typed[flag] for flag in further))


def _settings(typed):
    """Return the settings of this command, and its work folder.

    To look at a detector, the settings are those of the folder it was trained in.
    """
    studied = FLAGS.mode == "train_anonymizer" and FLAGS.anonymizer in CONFIG_NAMES
    name = FLAGS.config or (FLAGS.anonymizer if studied else "detector")
    config_lib.check_choice("--config", name, CONFIG_NAMES)
    file = importlib.import_module(f"configs.{name}")
    config = command.change(file.get_config(), typed)
    default = ROOT / "results" / command.result_name(config, typed)
    workdir = pathlib.Path(FLAGS.workdir or default)
    stored = workdir / "config.json"
    if FLAGS.mode in ("evaluate", "export") and not FLAGS.config and stored.exists():
        config = command.change(config_lib.from_json(stored.read_bytes()), typed)
    return config_lib.validate(config), workdir


def _is_users_mistake(error):
    """Tell whether our own code raised the error, in words for the user."""
    frame = traceback.extract_tb(error.__traceback__)[-1].filename
    inside = pathlib.Path(frame).resolve()
    return inside.is_relative_to(ROOT) and "site-packages" not in inside.parts


def _run(argv):
    try:
        main(argv)
    except ValueError as error:
        if not _is_users_mistake(error):
            raise
        print(f"main.py: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("main.py: stopped; the same command goes on from here", file=sys.stderr)
        sys.exit(130)


def _parse(argv):
    try:
        return FLAGS(argv)
    except flags.Error as error:
        print(f"main.py: {error}; see --help", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # Off by default on CPUs without AVX-512, where it makes a step 1.5 times as fast.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    # Imports and tracing make millions of objects, and few of them are garbage.
    gc.set_threshold(50_000, 20, 20)
    app.run(_run, flags_parser=_parse)
