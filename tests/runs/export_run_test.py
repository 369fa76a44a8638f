"""--mode=export: what lies where, and what is said."""

import dataclasses

import pytest
import tensorflow as tf

from safefakes_tf.config import DataConfig, DetectorConfig, Export
from safefakes_tf.detectors.dsfd import network as dsfd
from safefakes_tf.runs import export
from safefakes_tf.workdir import DETECTOR_WEIGHTS as WEIGHTS


@pytest.fixture
def config():
    return Export(
        data=DataConfig(anonymizer="pixelate"),
        model=DetectorConfig(width_multiplier=1 / 32),
    )


def test_anonymizer_alone(config, tmp_path, capsys):
    export.run(config, tmp_path)
    path = tmp_path / "export" / "pixelate"
    assert "serving_default" in tf.saved_model.load(str(path)).signatures
    assert not (tmp_path / "export" / "detector").exists()
    said = capsys.readouterr().out
    assert f"anonymizer pixelate: {path}" in said
    assert "no detector" in said


@pytest.mark.usefixtures("shallow")
def test_anonymizer_and_detector(config, tmp_path, capsys):
    weights = tmp_path / WEIGHTS
    dsfd.build_dsfd(config.model).save_weights(weights)
    export.run(config, tmp_path)
    path = tmp_path / "export" / "detector"
    assert "serving_default" in tf.saved_model.load(str(path)).signatures
    assert f"detector: {path}" in capsys.readouterr().out


def test_named_weights_must_be_there(config, tmp_path):
    named = dataclasses.replace(config, init_weights=str(tmp_path / "absent.h5"))
    with pytest.raises(ValueError, match=r"no detector at .*absent\.h5"):
        export.run(named, tmp_path)
