"""What a comparison gives, and what it leaves out with a reason."""

import dataclasses

import keras
import numpy as np
import pytest
from similarity_pairs_test import BOXES, record

from safefakes_tf import faces
from safefakes_tf.config import DataConfig
from safefakes_tf.config.similarity import METRIC_VALUES, SimilarityConfig
from safefakes_tf.evaluation.similarity import comparison, frechet, registry
from safefakes_tf.evaluation.similarity.metric import FaceMean, View

FREE = SimilarityConfig(metrics=("l1", "l2", "ssim"))  # no weights needed
PHOTOS = (
    [record(f"{n}.jpg", seed=n) for n in range(3)],
    [record(f"{n}.jpg", seed=n + 9) for n in range(3)],
)


def pooled(name="pooled"):
    """A Fréchet distance on mean colours."""
    pixels = keras.Input([8, 8, 3])
    network = keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(pixels))
    return frechet.FrechetDistance(name, network, View(8, True))


def test_the_tables_of_names_agree():
    assert list(registry.METRICS) == list(METRIC_VALUES)


def test_values_are_means_over_all_faces_whatever_the_batches():
    results = [
        comparison.compare(*PHOTOS, dataclasses.replace(FREE, batch_size=size))
        for size in (1, 4, 100)
    ]
    assert results[0].tally.faces == 9
    assert list(results[0].values) == ["l1", "l2_mse", "l2_rmse", "ssim"]
    for result in results:
        assert not result.left_out
        for name, value in results[0].values.items():
            np.testing.assert_allclose(result.values[name], value, rtol=1e-6)


def test_unchanged_photos_are_not_apart():
    values = comparison.compare(PHOTOS[0], PHOTOS[0], FREE).values
    assert values["l1"] == values["l2_mse"] == values["l2_rmse"] == 0
    np.testing.assert_allclose(values["ssim"], 1, rtol=0, atol=1e-12)


def test_without_weights_the_rest_is_computed(tmp_path):
    metrics = tuple(METRIC_VALUES)
    config = SimilarityConfig(metrics=metrics, weights_dir=str(tmp_path))
    result = comparison.compare(*PHOTOS, config)
    assert list(result.values) == ["l1", "l2_mse", "l2_rmse", "ssim"]
    assert set(result.left_out) == {
        *("lpips", "lpips_vgg", "fid", "frechet_mobilenet_v2")
    }
    for name, reason in result.left_out.items():
        assert "is not there: " in reason
        place = "github.com/mseitzer/pytorch-fid" if name == "fid" else "make weights"
        assert place in reason
        assert "\n" not in reason


def test_without_any_metric_there_is_nothing_to_do(tmp_path):
    config = SimilarityConfig(metrics=("lpips",), weights_dir=str(tmp_path))
    with pytest.raises(ValueError, match=r"no metric can be computed: \S+alexnet.ckpt"):
        comparison.compare(*PHOTOS, config)


def test_photos_without_faces_are_counted_and_not_alone():
    empty = record("none.jpg", [])
    result = comparison.compare([*PHOTOS[0], empty], [*PHOTOS[1], empty], FREE)
    assert (result.tally.photos, result.tally.photos_without_faces) == (4, 1)
    kept = record("kept.jpg", BOXES, [faces.KEPT] * 3)
    with pytest.raises(ValueError, match=r"2 photos have no face .* 3 kept, 0 gener"):
        comparison.compare([empty, kept], [empty, kept], FREE)


def test_one_face_has_no_frechet_distance(monkeypatch):
    monkeypatch.setitem(registry.METRICS, "fid", lambda _: pooled())
    config = dataclasses.replace(FREE, metrics=("l1", "fid"))
    photos = [record("a.jpg", BOXES[:1])], [record("a.jpg", BOXES[:1], seed=1)]
    result = comparison.compare(*photos, config)
    assert list(result.values) == ["l1"]
    assert result.left_out == {"fid": "two faces or more are needed; got 1"}


def test_a_frechet_distance_is_of_the_features_of_all_faces(monkeypatch):
    monkeypatch.setitem(registry.METRICS, "fid", lambda _: pooled("fid"))
    config = dataclasses.replace(FREE, metrics=("fid",))
    assert comparison.compare(*PHOTOS, config).values["fid"] > 1e-3
    same = comparison.compare(PHOTOS[0], PHOTOS[0], config)
    np.testing.assert_allclose(same.values["fid"], 0, atol=1e-9)


def test_not_a_number_is_told_and_left_out(monkeypatch):
    def root(originals, anonymized):
        del anonymized
        return {"ssim": originals[:, 0, 0, 0] * [np.nan] + [0.0]}

    broken = pooled()
    broken.update(np.full([3, 8, 8, 3], np.nan, np.float32), np.ones([3, 8, 8, 3]))
    monkeypatch.setitem(registry.METRICS, "ssim", lambda _: FaceMean(root))
    monkeypatch.setitem(registry.METRICS, "fid", lambda _: broken)
    config = dataclasses.replace(FREE, metrics=("l1", "ssim", "fid"))
    result = comparison.compare(*PHOTOS, config)
    assert list(result.values) == ["l1"]
    assert result.left_out == {
        "ssim": "not a finite number for 9 of 9 faces",
        "fid": "features that are not finite numbers",
    }


def test_what_was_compared_is_told_with_the_values():
    data = DataConfig(anonymizer="blur")
    result = comparison.compare(*PHOTOS, FREE)
    told = comparison.describe(result, data, FREE)
    assert told["anonymizer"] == "blur"
    assert told["encoding"]["reference"] == told["encoding"]["anonymized"]
    assert told["actions"] == {"kept": 0, "generated": 9, "blacked_out": 0}
    assert told["sizes"]["ssim"] == {"side": 128, "antialias": True}
    assert told["notes"] == []
    frechet_values = dataclasses.replace(result, values={"fid": 1.0})
    (note,) = comparison.describe(frechet_values, data, FREE)["notes"]
    assert "fewer than 2048 faces" in note
    source = dataclasses.replace(FREE, reference="source")
    told = comparison.describe(result, data, source)
    assert told["encoding"]["reference"] == "as it came"
