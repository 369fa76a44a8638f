r"""Draw what each anonymizer makes of some of the samples.

    python -m tools.draw_samples --output=docs/anonymizers.jpg

Every picture is what `--mode=anonymize` writes. An asterisk marks generators whose
weights learnt from computer-made heads only, as the project has no others of them.
"""

import os
import pathlib
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from absl import app, flags

import main as program
from safefakes_tf.config import WEIGHTS, names
from safefakes_tf.contact_sheet import contact_sheet
from safefakes_tf.photos import reader, writer

_OUTPUT = flags.DEFINE_string("output", "docs/anonymizers.jpg", "Picture to write.")
SAMPLES = pathlib.Path(program.__file__).parent / "safefakes_tf" / "samples"
BOXES = SAMPLES / "boxes.csv"
SHOWN = (
    *("sd3-0004.jpg", "sfhq_t2i-0038.jpg", "sfhq_t2i-1002.jpg", "sfhq_t2i-0715.jpg"),
    *("taste-0014.jpg", "sfhq_t2i-0416.jpg"),
)
ASTERISK = ("ciagan",)
# What the command is told beside the name of the anonymizer.
CHOSEN = {
    "fullblur": "--set=data.anonymization.strength=study",  # else it is refused
    **{name: f"--weights={WEIGHTS}/{name}_{names.CROWD}.npz" for name in ASTERISK},
}
CELL = 150  # px


def main(_):
    """Anonymize the samples by every method, and draw those shown."""
    methods = [name for name in names.anonymizers() if name != "original"]
    with tempfile.TemporaryDirectory() as scratch:
        folders = [SAMPLES, *(_anonymized(name, scratch) for name in methods)]
        rows = [[_read(folder / photo) for folder in folders] for photo in SHOWN]
    labels = ["original", *(f"{name}{'*' * (name in ASTERISK)}" for name in methods)]
    sheet = contact_sheet(rows, labels, [""] * len(rows), CELL)
    writer.write(pathlib.Path(_OUTPUT.value), sheet, quality=85)
    print(f"picture: {_OUTPUT.value}")


def _anonymized(name, scratch):
    """Return the folder of the samples behind an anonymizer."""
    output = pathlib.Path(scratch, name)
    program.main(
        [
            *("--mode=anonymize", f"--anonymizer={name}", f"--input={SAMPLES}"),
            *(f"--annotations={BOXES}", f"--output={output}"),
            *([CHOSEN[name]] if name in CHOSEN else []),
        ]
    )
    return output


def _read(path):
    return reader.decode_upright(path.read_bytes())[0]


if __name__ == "__main__":
    app.run(main)
