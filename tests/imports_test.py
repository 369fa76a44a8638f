"""Who may import whom, read from the source with `ast`."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]

# Part of the code -> the parts it may import; a part may always import itself.
ALLOWED = {
    "main": {"command", "config", "runs", "configs"},
    "command": {"config"},
    "configs": {"config"},
    "runs": {
        "anonymizers",
        "config",
        "contact_sheet",
        "data",
        "evaluation",
        "export",
        "faces",
        "importers",
        "keypoints",
        "losses",
        "models",
        "report",
        "training",
        "user_photos",
        "tfds_builders",
    },
    "tfds_builders": {
        "anonymizers",
        "keypoints",
        "faces",
        "boxes",
        "config",
        "images",
        "models",
    },
    "training": {
        "models",
        "losses",
        "config",
        "boxes",
        "images",
        "evaluation",
        "contact_sheet",
    },
    "evaluation": {"models", "boxes", "images", "faces", "config"},
    "anonymizers": {
        "models",
        "images",
        "squares",
        "portraits",
        "faces",
        "config",
        "boxes",
        "keypoints",
    },
    "user_photos": set(),
    "export": {"anonymizers", "models", "evaluation", "config", "faces"},
    "data": {
        "images",
        "squares",
        "portraits",
        "boxes",
        "faces",
        "keypoints",
        "config",
    },
    "importers": {"models", "config"},
    "models": {"boxes", "config"},
    "losses": {"boxes", "config", "models"},
    "keypoints": {"images", "faces"},
    "report": {"boxes"},
    "contact_sheet": {"images"},
    "config": set(),
    "faces": set(),
    "boxes": set(),
    "images": set(),
    "squares": set(),
    "portraits": {"drawing", "images", "keypoints", "resampling"},
    "drawing": set(),
    "resampling": set(),
}


def sources():
    for folder in ("safefakes_tf", "tfds_builders", "configs"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if not path.name.endswith("_test.py"):
                yield path
    yield ROOT / "main.py"


def part_of(module):
    """`safefakes_tf.models.dsfd` -> `models`; None for foreign modules."""
    names = module.split(".")
    if names[0] in ("configs", "tfds_builders", "main"):
        return names[0]
    if names[0] == "safefakes_tf":
        return names[1] if len(names) > 1 else None
    return None


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            if node.module == "safefakes_tf":
                yield from (f"safefakes_tf.{alias.name}" for alias in node.names)
            else:
                yield node.module


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_follow_the_layers(path):
    own = part_of(".".join(path.relative_to(ROOT).with_suffix("").parts))
    if own is None:  # safefakes_tf/__init__.py
        return
    for module in imported(path):
        other = part_of(module)
        if other not in (None, own, "__version__", "__init__"):
            assert other in ALLOWED[own], f"{own} must not import {other}"


def test_only_main_reads_flags():
    for path in sources():
        if path.name != "main.py":
            assert "absl.flags" not in set(imported(path)), path


def test_mediapipe_is_imported_in_one_file_only():
    users = [p.name for p in sources() if any("mediapipe" in m for m in imported(p))]
    assert users in ([], ["detector.py"])


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_is_longer_than_500_lines(path):
    assert len(path.read_text().splitlines()) <= 500
