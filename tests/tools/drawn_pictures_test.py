"""Pictures that tools draw. Each has a process: flags of tools have the same names."""

import json
import pathlib
import subprocess
import sys

import cv2
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What a tool would compute for long -> in its place.
SHORTENED = {
    "draw_keypoints": """
import numpy as np
tool._example = lambda: (
    np.full([99, 99, 3], 200, np.uint8), np.float64([20, 20, 80, 80]), np.ones([68, 2])
)
""",
    "draw_samples": "tool._anonymized = lambda name, scratch: tool.SAMPLES",
}


def python(program, *arguments):
    """Return what a program prints."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT, timeout=600
    ).stdout


@pytest.mark.parametrize("name", SHORTENED)
def test_a_picture_in_a_new_folder_is_written(tmp_path, name):
    path = tmp_path / "new" / "picture.jpg"
    printed = python(
        f"from absl import app\n"
        f"from tools import {name} as tool\n"
        f"{SHORTENED[name]}\n"
        f"app.run(tool.main)",
        f"--output={path}",
    )
    assert printed == f"picture: {path}\n"
    assert cv2.imread(str(path)).shape[1] > 900


def labels_of(*tables):
    """Return label -> the images of a line's points, as `draw_curves` draws them."""
    printed = python(
        "import json, sys\n"
        "from tools import draw_curves\n"
        "lines, _ = draw_curves.read(sys.argv[1:])\n"
        "labels = draw_curves.labels(lines)\n"
        "print(json.dumps([[labels[key], sorted(lines[key])] for key in lines]))",
        *tables,
    )
    return dict(json.loads(printed))


def test_each_method_of_each_table_is_a_line(tmp_path):
    crowd, portraits = tmp_path / "crowd.csv", tmp_path / "portraits.csv"
    crowd.write_text("method,images,l1\n,,0\nsun2018,10,3\nsun2018,20,2\nciagan,10,4\n")
    portraits.write_text("method,images,l1\n,,0\nsun2018,15,1\nsun2018,20,1\n")
    assert labels_of(crowd) == {"sun2018": [10, 20], "ciagan": [10]}
    assert labels_of(crowd, portraits) == {
        "sun2018, crowd": [10, 20],
        "ciagan": [10],
        "sun2018, portraits": [15, 20],
    }
