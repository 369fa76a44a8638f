"""Whose graphs TensorFlow optimises."""

import types

import pytest
import tensorflow as tf

from safefakes_tf.training import steps, strategy

OPTION = "disable_meta_optimizer"


def is_off():
    return tf.config.optimizer.get_experimental_options().get(OPTION, False)


@pytest.mark.parametrize("optimizes", [True, False])
@pytest.mark.parametrize("before", [True, False])
def test_a_trainer_says_whether_graphs_are_optimized_and_only_while_it_steps(
    before, optimizes
):
    trainer = types.SimpleNamespace(optimizes=optimizes)
    tf.config.optimizer.set_experimental_options({OPTION: before})
    try:
        with (
            pytest.raises(KeyError),
            steps.optimization(trainer, strategy.create("cpu")),
        ):
            assert is_off() == (before or not optimizes)
            raise KeyError
        assert is_off() == before
    finally:
        tf.config.optimizer.set_experimental_options({OPTION: False})


def test_a_gpu_needs_the_optimizer():
    trainer = types.SimpleNamespace(optimizes=False)
    extended = types.SimpleNamespace(worker_devices=("/device:GPU:0",))
    with steps.optimization(trainer, types.SimpleNamespace(extended=extended)):
        assert not is_off()
