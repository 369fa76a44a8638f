"""The stages of growth, and pictures between two resolutions."""

import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf.anonymizers.deepprivacy import growth
from safefakes_tf.anonymizers.registry import Stage


def test_the_published_schedule():
    """Images at which resolutions begin: deepprivacy.md, section 3."""
    phase = 1_200_000
    stages = growth.stages(128, 40_000_000, phase)
    assert [stage.resolution for stage in stages] == [8, 16, 32, 64, 128]
    begins = np.cumsum([0, *(stage.examples for stage in stages)]) / 1e6
    np.testing.assert_allclose(begins, [0, 1.2, 3.6, 6.0, 8.4, 40])
    assert [stage.fade_examples for stage in stages] == [0, *[phase] * 4]


def test_without_phases_there_is_one_stage():
    assert growth.stages(64, 1000, 0) == [Stage(64, 1000)]


def test_the_last_resolution_must_be_reached():
    assert growth.stages(16, 20, 10)[-1] == Stage(16, 10, 10)
    with pytest.raises(ValueError, match=r"at least 20 to reach 16 px .* got 19"):
        growth.stages(16, 19, 10)


def test_transition_moves_every_four_steps():
    shares = [float(growth.transition(tf.constant(n), 5, 100)) for n in range(30)]
    assert shares[:9] == [0.0] * 4 + [np.float32(0.2)] * 4 + [np.float32(0.4)]
    assert shares[-1] == 1.0
    assert float(growth.transition(tf.constant(3), 5, 0)) == 1.0


def test_boxes_as_masks():
    masks = growth.box_masks(tf.constant([[1, 0, 3, 2], [0, 0, 0, 4]]), 4)
    assert masks.shape == (2, 4, 4, 1)
    np.testing.assert_array_equal(
        masks[0, :, :, 0],
        [[0, 0, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0]],
    )
    assert not masks[1].numpy().any()
