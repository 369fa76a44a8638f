"""Which weights are a detector's."""

import dataclasses
import errno

import pytest

from configs import tiny
from safefakes_tf import workdir
from safefakes_tf.detectors.dsfd import network as dsfd
from safefakes_tf.detectors.dsfd.weights import load_detector, save_weights
from safefakes_tf.workdir import DETECTOR_WEIGHTS as WEIGHTS


def test_a_full_disk_leaves_the_weights_that_are_there(tmp_path, monkeypatch):
    model = dsfd.build_dsfd(tiny.get_config().model)
    path = tmp_path / WEIGHTS
    save_weights(model, path)
    before = path.read_bytes()

    def write(path):
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(model, "save_weights", write)
    with pytest.raises(OSError, match="No space left"):
        save_weights(model, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_detector_of_other_settings_is_refused(tmp_path):
    config = tiny.get_config()
    dsfd.build_dsfd(config.model).save_weights(tmp_path / WEIGHTS)
    workdir.claim(config, tmp_path)
    load_detector(config.model, tmp_path / WEIGHTS)
    turned = dataclasses.replace(config.model, channel_order="bgr")
    with pytest.raises(ValueError, match=r"model.channel_order: rgb -> bgr.*leave"):
        load_detector(turned, tmp_path / WEIGHTS)
