import numpy as np
import pytest

from safefakes_tf.anonymizers import generator_files
from safefakes_tf.anonymizers.deepprivacy import network as deepprivacy
from safefakes_tf.config import DeepPrivacyConfig

SMALL = DeepPrivacyConfig(channels=32, resolution=16)


def inputs(resolution, transition=None, generator=True, count=2):
    rng = np.random.default_rng(0)
    values = {
        "condition": rng.normal(size=[count, resolution, resolution, 3]),
        "pose": rng.uniform(size=[count, 14]),
    }
    if generator:
        values["noise"] = rng.normal(size=[count, 4, 4, 32])
    else:
        values["image"] = rng.normal(size=[count, resolution, resolution, 3])
    if transition is not None:
        values["transition"] = np.full([count, 1], transition)
    return {name: value.astype(np.float32) for name, value in values.items()}


@pytest.mark.parametrize(
    "channels, generator, discriminator",
    [(512, 46_926_726, 45_528_881), (256, 11_744_710, 11_409_753)],
)
def test_published_sizes(channels, generator, discriminator):
    config = DeepPrivacyConfig(channels=channels)
    network = deepprivacy.build_generator(config, fading=True)
    assert network.count_params() == generator
    network = deepprivacy.build_discriminator(config, fading=True)
    assert network.count_params() == discriminator


@pytest.mark.parametrize("resolution", deepprivacy.RESOLUTIONS)
def test_narrow_networks_of_every_resolution_run(resolution):
    config = DeepPrivacyConfig(channels=16, resolution=resolution)
    image = deepprivacy.build_generator(config)(inputs(resolution))
    assert image.shape == (2, resolution, resolution, 3)
    network = deepprivacy.build_discriminator(config)
    assert network(inputs(resolution, generator=False)).shape == (2, 1)


def test_a_grown_generator_starts_where_the_smaller_one_stood():
    small = deepprivacy.build_generator(SMALL)
    grown = deepprivacy.build_generator(
        DeepPrivacyConfig(channels=32, resolution=32), fading=True
    )
    deepprivacy.grow(small, grown)
    large = inputs(32, transition=0.0)
    halved = large["condition"].reshape(2, 16, 2, 16, 2, 3).mean(axis=(2, 4))
    given = {name: large[name] for name in ("pose", "noise")}
    before = small({**given, "condition": halved}).numpy()
    enlarged = before.repeat(2, axis=1).repeat(2, axis=2)
    np.testing.assert_allclose(grown(large), enlarged, atol=1e-5)


def test_a_grown_discriminator_starts_where_the_smaller_one_stood():
    small = deepprivacy.build_discriminator(SMALL)
    grown = deepprivacy.build_discriminator(
        DeepPrivacyConfig(channels=32, resolution=32), fading=True
    )
    deepprivacy.grow(small, grown)
    large = inputs(32, transition=0.0, generator=False)
    halved = {
        name: large[name].reshape(2, 16, 2, 16, 2, 3).mean(axis=(2, 4))
        for name in ("image", "condition")
    }
    before = small({**halved, "pose": large["pose"]})
    np.testing.assert_allclose(grown(large), before, atol=1e-5)


def test_growing_out_of_a_fade_in_drops_its_old_path():
    fading = deepprivacy.build_generator(SMALL, fading=True)
    grown = deepprivacy.build_generator(
        DeepPrivacyConfig(channels=32, resolution=32), fading=True
    )
    deepprivacy.grow(fading, grown)
    assert "from_rgb_8" not in {layer.name for layer in grown.layers}
    old, new = (model.get_layer("from_rgb_16") for model in (fading, grown))
    np.testing.assert_array_equal(old.kernel, new.kernel)


def test_folding_the_scales_changes_nothing():
    model = deepprivacy.build_generator(SMALL)
    before = model(inputs(16))
    generator_files.fold(model)
    np.testing.assert_allclose(model(inputs(16)), before, atol=1e-5)


def test_a_resolution_between_the_stages_is_refused():
    with pytest.raises(ValueError, match=r"resolution must be one of .* got 48"):
        deepprivacy.build_generator(DeepPrivacyConfig(resolution=48))
