"""The samples: what their README says, and the first command of a newcomer."""

import csv
import json
import pathlib

import numpy as np
import pytest
from PIL import Image

import main

SAMPLES = pathlib.Path(main.__file__).parent / "safefakes_tf" / "samples"
MOST_BYTES = 1_000_000


def test_they_are_few_and_each_has_a_licence_and_a_face():
    photos = sorted(path.name for path in SAMPLES.glob("*.jpg"))
    assert len(photos) == 24
    licences = {path.stem for path in (SAMPLES / "licences").iterdir()}
    assert {name.rpartition("-")[0] for name in photos} == licences
    with (SAMPLES / "boxes.csv").open(newline="") as file:
        assert {row["filename"] for row in csv.DictReader(file)} == {*photos}
    files = [path for path in SAMPLES.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < MOST_BYTES


@pytest.mark.slow
@pytest.mark.keypoints
def test_the_first_command_generates_faces(tmp_path, capsys):
    output = tmp_path / "anonymized"
    main.main(
        [
            *("--mode=anonymize", "--anonymizer=sun2018"),
            *(f"--input={SAMPLES}", f"--output={output}"),
        ]
    )
    assert "nobody's faces: 2,478 generated portraits" in capsys.readouterr().out
    metadata = json.loads((output / "metadata.json").read_text())
    assert metadata["weights_origin"].startswith("nobody's faces: 2,478 generated")
    counts = metadata["counts"]
    assert counts["photos"] == 24
    assert counts["generated"] == counts["faces"] >= 26
    with (SAMPLES / "boxes.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            name = row.pop("filename")
            x, y, width, height = map(int, row.values())
            before, after = (
                np.asarray(Image.open(folder / name), np.int16)
                for folder in (SAMPLES, output)
            )
            inside = np.abs(before - after)[y : y + height, x : x + width]
            assert inside.mean() > 8, name
            assert after[y : y + height, x : x + width].std() > 8, name
