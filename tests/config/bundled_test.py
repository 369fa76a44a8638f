import pytest

from safefakes_tf.config import (
    WEIGHTS,
    AnonymizationConfig,
    BuildDataset,
    DataConfig,
    apply_overrides,
    bundled,
)
from safefakes_tf.config.data import OwnPhotosConfig

OLD = "safefakes_tf/demonstration/sun2018.npz"


def weights(kind=DataConfig, **fields):
    return bundled.with_bundled_weights(kind(**fields)).anonymization.weights


def test_weights_serve_on_photos_such_as_they_learnt_from():
    crowd = str(WEIGHTS / "sun2018_crowd.npz")
    assert weights(anonymizer="sun2018") == crowd
    assert weights(anonymizer="sun2018", dataset="widerface") is None
    assert weights(anonymizer="blur") is None
    for name in ("sun2018", "deepprivacy"):
        portraits = str(WEIGHTS / f"{name}_portraits.npz")
        assert weights(OwnPhotosConfig, anonymizer=name) == portraits
    assert weights(OwnPhotosConfig, anonymizer="ciagan") is None  # knows the crowd only
    own = AnonymizationConfig(weights="mine.npz")
    for kind in (DataConfig, OwnPhotosConfig):
        assert weights(kind, anonymizer="sun2018", anonymization=own) == "mine.npz"


def test_weights_that_are_not_there_serve_nobody(monkeypatch, tmp_path):
    monkeypatch.setattr(bundled, "WEIGHTS", tmp_path)
    assert weights(anonymizer="sun2018") is None


@pytest.mark.parametrize("folder", ["", "/somewhere/else/"])
def test_the_path_of_an_older_version_is_known(folder, capsys):
    old = f"data.anonymization.weights={folder}{OLD}"
    found = apply_overrides(BuildDataset(), [old]).data.anonymization.weights
    assert found == str(WEIGHTS / "sun2018_crowd.npz")
    assert f"this file is now {found}" in capsys.readouterr().err


def test_a_path_that_only_looks_alike_is_left_alone():
    for path in ("my_safefakes_tf/demonstration/a.npz", f"{OLD}/b.npz", "blur"):
        assert bundled.moved(path) == path
