"""Which weights are a detector's."""

import dataclasses

import pytest

from configs import tiny
from safefakes_tf import workdir
from safefakes_tf.detectors.dsfd import network as dsfd
from safefakes_tf.detectors.dsfd.weights import load_detector
from safefakes_tf.workdir import DETECTOR_WEIGHTS as WEIGHTS


def test_a_detector_of_other_settings_is_refused(tmp_path):
    config = tiny.get_config()
    dsfd.build_dsfd(config.model).save_weights(tmp_path / WEIGHTS)
    workdir.claim(config, tmp_path)
    load_detector(config.model, tmp_path / WEIGHTS)
    turned = dataclasses.replace(config.model, channel_order="bgr")
    with pytest.raises(ValueError, match=r"model.channel_order: rgb -> bgr.*leave"):
        load_detector(turned, tmp_path / WEIGHTS)
