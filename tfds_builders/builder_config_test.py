"""Names of data sets, those of version 0.4.0 among them."""

import dataclasses
import json
import pathlib
import shutil

import pytest

from safefakes_tf.anonymizers import generator_files
from safefakes_tf.config import (
    WEIGHTS,
    AnonymizationConfig,
    BuildDataset,
    CrowdConfig,
    DataConfig,
    apply_overrides,
)
from tfds_builders import registry
from tfds_builders.builder_config import AnonymizedConfig

ROOT = pathlib.Path(__file__).resolve().parents[1]
STORED = ROOT / "tests" / "fixtures" / "v0_4_0"


def test_names_tell_default_options_from_others():
    assert AnonymizedConfig().name == "source"
    assert AnonymizedConfig(anonymizer="blur").name == "blur"
    others = [
        AnonymizedConfig(anonymizer="blur", image_format="png"),
        AnonymizedConfig(anonymizer="blur", jpeg_quality=90),
        AnonymizedConfig(anonymizer="blur", crowd=CrowdConfig(seed=1)),
        AnonymizedConfig(
            anonymizer="blur", anonymization=AnonymizationConfig(min_width=0)
        ),
    ]
    names = {config.name for config in others}
    assert len(names) == len(others)
    assert all(name.startswith("blur-") and len(name) == 13 for name in names)


def test_the_source_is_shared_by_all_options_of_derived_photos():
    config = AnonymizedConfig(anonymizer="blur", jpeg_quality=50)
    assert config.source().name == "source"


def test_a_seed_enters_only_where_something_is_drawn():
    assert AnonymizedConfig(anonymizer="blur", seed=4).name == "blur"
    assert AnonymizedConfig(anonymizer="another", seed=4).name != "another"


def test_a_name_hashes_what_differs_from_the_defaults_only(monkeypatch):
    @dataclasses.dataclass(frozen=True)
    class Longer(CrowdConfig):
        fog: float = 0.0

    fields = AnonymizedConfig.__dataclass_fields__
    before = AnonymizedConfig(crowd=CrowdConfig(seed=1)).name
    monkeypatch.setattr(fields["crowd"], "default", Longer())
    assert AnonymizedConfig(crowd=Longer(seed=1)).name == before
    foggy = AnonymizedConfig(crowd=Longer(seed=1, fog=0.5))
    assert foggy.name != before
    assert foggy.name_in_0_4_0() is None  # it knew no fog


def test_equal_settings_have_one_name():
    whole, float_ = (CrowdConfig(min_face=size) for size in (32, 32.0))
    assert AnonymizedConfig(crowd=whole).name == AnonymizedConfig(crowd=float_).name


def _settings(entry):
    """Return the settings that an entry of `names.json` stands for."""
    names = [f"data.{key}={entry[key]}" for key in ("dataset", "anonymizer")]
    overrides = [
        f"{key}={ROOT / value if key.endswith('weights') else value}"
        for key, value in (text.split("=") for text in entry["overrides"])
    ]
    return apply_overrides(BuildDataset(seed=entry["seed"]), [*names, *overrides])


@pytest.mark.parametrize(
    "entry", json.loads((STORED / "names.json").read_text()), ids=lambda e: e["name"]
)
def test_the_names_of_version_0_4_0_are_known(entry, tmp_path):
    settings = _settings(entry)
    data = dataclasses.replace(settings.data, data_dir=str(tmp_path))
    config = registry.create_builder(data, settings.seed).builder_config
    # The first digits of the weights are in the name, and CIAGAN's were other ones: its
    # network had identities that it had never learnt.
    now = generator_files.sha256(WEIGHTS / "ciagan_crowd.npz")[:8]
    assert config.name_in_0_4_0() == entry["name"].replace("0596d607", now)
    assert ("-" in config.name) == ("-" in entry["name"])


@pytest.mark.parametrize("anonymizer", ["source", "blur"])
def test_data_sets_of_version_0_4_0_are_used(anonymizer, tmp_path):
    shutil.copytree(STORED / "derived", tmp_path / "data")
    crowd = CrowdConfig(4, 2, 128, 96, 16.0, 48.0, 3)
    data = DataConfig(
        anonymizer=anonymizer, crowd=crowd, data_dir=str(tmp_path / "data")
    )
    before = sorted((tmp_path / "data").rglob("*"))
    builder = registry.create_builder(data, seed=0)
    registry.prepare(builder)
    assert builder.info.metadata["code_version"] == "0.4.0"
    assert len(list(builder.as_dataset(split="train").as_numpy_iterator())) == 4
    made = set((tmp_path / "data").rglob("*")) - set(before)
    assert {path.name for path in made} <= {".lock"}
    assert builder.source_builder().data_path.parent.name == "source-383203fa"


def test_a_data_set_of_the_new_name_comes_first(tmp_path):
    data = DataConfig(crowd=CrowdConfig(4, 2, 128, 96, 16.0, 48.0, 3))
    data = dataclasses.replace(data, anonymizer="blur", data_dir=str(tmp_path))
    new = registry.create_builder(data, seed=0).data_path
    shutil.copytree(STORED / "derived", tmp_path, dirs_exist_ok=True)
    assert registry.create_builder(data, seed=0).data_path != new
    shutil.copytree(new.parents[1] / "blur-3bfa8752", new.parent)
    assert registry.create_builder(data, seed=0).data_path == new
