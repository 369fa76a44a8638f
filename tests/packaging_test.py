"""What `pip install .` installs, without editing, and the command that it gives."""

import configparser
import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest
from imports_test import imported, sources

ROOT = pathlib.Path(__file__).resolve().parents[1]
PACKAGES = ("safefakes_tf", "tfds_builders", "configs")
OF_PACKAGES = {  # of names that are imported, where they differ
    "absl": "absl-py",
    "cv2": "opencv-contrib-python",
    "PIL": "pillow",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Return the folder of an unpacked wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"  # building leaves things behind
    for name in PACKAGES:
        shutil.copytree(
            ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("main.py", "setup.py", "setup.cfg", "pyproject.toml"):
        shutil.copy(ROOT / name, source)
    for name in ("README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    options = ["--no-deps", "--no-build-isolation", "--quiet", "--wheel-dir", folder]
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options, "."], cwd=source, check=True
    )
    (file,) = folder.glob("*.whl")
    zipfile.ZipFile(file).extractall(folder / "installed")
    return folder / "installed"


@pytest.mark.slow
def test_a_wheel_has_everything_that_the_packages_read(wheel):
    installed = {path.relative_to(wheel).as_posix() for path in wheel.rglob("*.*")}
    expected = {
        path.relative_to(ROOT).as_posix()
        for name in PACKAGES
        for path in (ROOT / name).rglob("*.*")
        if "__pycache__" not in path.parts
        and not path.name.endswith(("_test.py", "conftest.py"))
    }
    moved = {name for name in expected if name.startswith("configs/")}
    expected = expected - moved | {f"safefakes/{name}" for name in moved}
    rest = {name for name in installed if ".dist-info" not in name}
    assert rest == expected | {"safefakes/main.py"}
    top = {path.name for path in wheel.iterdir() if not path.name.endswith("dist-info")}
    assert top == {"safefakes", "safefakes_tf", "tfds_builders"}


@pytest.mark.slow
def test_the_command_is_that_of_main(wheel, tmp_path):
    (info,) = wheel.glob("*.dist-info")
    entries = configparser.ConfigParser()
    entries.read(info / "entry_points.txt")
    module, function = entries["console_scripts"]["safefakes"].split(":")
    script = tmp_path / "safefakes"
    script.write_text(f"from {module} import {function}\n{function}()")

    def run(*arguments, **environment):
        return subprocess.run(
            [sys.executable, script, *arguments],
            env={**os.environ, "PYTHONPATH": str(wheel), **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    shown = run("--help")
    assert shown.returncode == 0
    assert "safefakes --mode=MODE --help" in shown.stdout
    mistake = run("--mode=study", "--config=tyni")
    assert mistake.returncode == 2
    assert mistake.stderr.startswith("safefakes: --config must be one of")
    assert mistake.stderr.count("\n") == 1
    # A mistake that the package finds, below TensorFlow, and of a user without a home.
    late = run("--mode=preview", HOME="/proc/nobody")
    assert late.returncode == 2
    last = late.stderr.splitlines()[-1]
    assert last.startswith("safefakes: ")
    assert "/proc/nobody/tensorflow_datasets/" in last
    assert "cannot be made (No such file or directory); choose another" in last


def _declared(lines):
    return {
        line.split(">")[0].split("<")[0].replace("-", "_") for line in lines.split()
    }


def test_every_import_is_declared():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    declared = _declared(setup["options"]["install_requires"])
    beam = _declared(setup["options.extras_require"]["beam"])
    for path, _ in sources():
        modules = {name.split(".")[0] for name in imported(path)}
        modules -= {*sys.stdlib_module_names, *PACKAGES, "main"}
        needed = {OF_PACKAGES.get(name, name).replace("-", "_") for name in modules}
        # Others import these files when Beam is asked for.
        of_extra = beam if path.name.startswith("beam_") else set()
        assert needed <= declared | of_extra, path
