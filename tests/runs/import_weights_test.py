import dataclasses
import json
import pathlib
import pickle
import zipfile

import numpy as np
import pytest

import main
from safefakes_tf import workdir
from safefakes_tf.anonymizers import generator_files
from safefakes_tf.anonymizers.ciagan import importer as ciagan
from safefakes_tf.anonymizers.ciagan import network as ciagan_models
from safefakes_tf.anonymizers.deepprivacy import importer as deepprivacy
from safefakes_tf.anonymizers.deepprivacy import network as deepprivacy_models
from safefakes_tf.config import (
    DeepPrivacyConfig,
    DetectorConfig,
    ImportWeights,
    bundled,
)
from safefakes_tf.detectors.dsfd import importer as dsfd
from safefakes_tf.detectors.dsfd import network as dsfd_models
from safefakes_tf.detectors.dsfd.weights import load_detector
from safefakes_tf.importers import checkpoints
from safefakes_tf.importers.parameters import reference_shape
from safefakes_tf.runs import import_weights

SMALL = ImportWeights(
    model=DetectorConfig(width_multiplier=0.015625, input_size=64), network_name="dsfd"
)


def run(folder, source, network_name="dsfd"):
    settings = dataclasses.replace(SMALL, network_name=network_name, source=str(source))
    import_weights.run(settings, folder)


def arrays_of(variables, seed=0):
    """Return small random parameters by their published names."""
    random = np.random.default_rng(seed)
    return {
        name: 0.1 * random.normal(size=reference_shape(variable)).astype(np.float32)
        for name, variable in variables.items()
    }


IMPORTERS = {"dsfd": dsfd, "deepprivacy": deepprivacy, "ciagan": ciagan}


@pytest.fixture(scope="module")
def detector():
    return arrays_of(dsfd.reference_variables(dsfd_models.build_dsfd(SMALL.model)))


def test_a_detector_is_ready_to_be_evaluated(tmp_path, detector, capsys):
    source = tmp_path / "dsfd.npz"
    np.savez(source, **{f"module.{name}": value for name, value in detector.items()})
    run(tmp_path / "run", source)
    model = load_detector(SMALL.model, tmp_path / "run" / workdir.DETECTOR_WEIGHTS)
    kernel = model.get_layer("conv1_1").kernel
    np.testing.assert_array_equal(
        kernel, detector["vgg.0.weight"].transpose(2, 3, 1, 0)
    )
    record = json.loads((tmp_path / "run" / "import.json").read_text())
    assert record["parameters"] == model.count_params()
    assert len(record["source_sha256"]) == 64
    assert len(record["trial_outputs"]) == 4
    assert "--mode=evaluate" in capsys.readouterr().out.splitlines()[-1]


def test_a_generator_tells_its_settings(tmp_path):
    config = DeepPrivacyConfig(channels=16, resolution=16)
    model = deepprivacy_models.build_generator(config)
    arrays = arrays_of(deepprivacy.reference_variables(model))
    source = tmp_path / "step_1.npz"
    np.savez(source, **arrays)
    run(tmp_path / "run", source, "deepprivacy")
    stored, about = generator_files.read(tmp_path / "run" / workdir.GENERATOR)
    assert about.config == config
    assert about.method == "deepprivacy"
    assert about.origin.startswith("step_1.npz, SHA-256 ")
    assert not about.demonstration
    kernel = stored.get_layer("to_rgb_16").kernel
    np.testing.assert_array_equal(
        kernel, arrays["to_rgb_new.conv.weight"].transpose(2, 3, 1, 0)
    )


def test_same_weights_same_file(tmp_path):
    config = DeepPrivacyConfig(channels=8, resolution=8)
    model = deepprivacy_models.build_generator(config)
    about = generator_files.About("deepprivacy", config, "a test")
    for name in ("one", "two"):
        generator_files.write(tmp_path / name, model, about)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_settings_are_read_off_the_parameters():
    for config in (DeepPrivacyConfig(32, 128), DeepPrivacyConfig(16, 8)):
        model = deepprivacy_models.build_generator(config)
        for fading in (False, True):
            model = deepprivacy_models.build_generator(config, fading)
            arrays = arrays_of(deepprivacy.reference_variables(model))
            assert deepprivacy.config_of(arrays) == config
    flat = deepprivacy_models.build_generator(DeepPrivacyConfig(32, 128))
    arrays = arrays_of(deepprivacy.reference_variables(flat, flat=True))
    assert deepprivacy.config_of(arrays) == DeepPrivacyConfig(32, 128)
    arrays = {"encode_one_hot.0.weight": np.zeros([256, 7], np.float32)}
    assert ciagan.config_of(arrays).num_identities == 7


@pytest.mark.parametrize(
    ("method", "wrap"),
    [
        ("dsfd", lambda tensors: tensors),
        ("dsfd", lambda tensors: {"epoch": 3, "weight": tensors}),
        ("ciagan", lambda tensors: tensors),
        ("deepprivacy", lambda tensors: tensors),
        ("deepprivacy", lambda tensors: {"running_average_generator": tensors}),
        (
            "deepprivacy",
            lambda tensors: {
                "D": {"parameters": {}},
                "running_average_generator": {
                    "transition_step": 5,
                    "transition_value": 1.0,
                    "parameters": tensors,
                },
            },
        ),
    ],
)
def test_parameters_are_found_in_their_containers(monkeypatch, method, wrap):
    tensors = {"a.weight": np.ones([2])}
    monkeypatch.setattr(checkpoints.torch_files, "read", lambda *_: wrap(tensors))
    containers = IMPORTERS[method].CONTAINERS
    found = checkpoints.read("some.pth", containers)
    np.testing.assert_array_equal(found["a.weight"], tensors["a.weight"])


@pytest.mark.parametrize(
    ("model", "change", "words"),
    [
        ("dsfd", {"vgg.0.bias": None}, "missing vgg.0.bias"),
        ("dsfd", {"surplus": np.ones(1)}, "unknown surplus"),
        ("dsfd", {"vgg.0.bias": np.ones(3)}, r"vgg.0.bias must be \(4,\), got \(3,\)"),
        ("dsfd", {"vgg.0.bias": np.full(4, np.nan)}, "outputs are not finite"),
        ("ciagan", {}, r"of another network than ciagan\S*: it has none of .* conv0"),
        ("deepprivacy", {}, "of another network than deepprivacy"),
    ],
)
def test_what_does_not_fit_is_told_and_nothing_is_written(
    tmp_path, detector, model, change, words
):
    arrays = {k: v for k, v in {**detector, **change}.items() if v is not None}
    source = tmp_path / "some.npz"
    np.savez(source, **arrays)
    with pytest.raises(ValueError, match=words):
        run(tmp_path / "run", source, model)
    assert not (tmp_path / "run").exists()


def broken_archives(folder):
    """Yield files called `.npz` that are none, each broken in its own way."""
    path = folder / "broken.npz"
    for content in (b"", b"PK", b"text"):
        path.write_bytes(content)
        yield path
    with path.open("wb") as file:
        np.save(file, np.ones(3))
    yield path
    np.savez(path, a=np.ones(300))
    content = path.read_bytes()
    path.write_bytes(content.replace(b"{'descr'", b"{'de\ncr'"))
    yield path


def test_files_without_arrays(tmp_path):
    for broken in broken_archives(tmp_path):
        with pytest.raises(ValueError, match=r"broken.npz must be an .npz of name -> "):
            run(tmp_path, broken)
        with pytest.raises(ValueError, match=r"broken.npz must be a generator's file"):
            generator_files.read(broken)
    texts = tmp_path / "texts.npz"
    np.savez(texts, a=np.ones(3), b=np.array("x"), c=np.ones(2, complex))
    with pytest.raises(ValueError, match="must hold real numbers; not so b, c"):
        run(tmp_path, texts)
    empty = tmp_path / "empty.npz"
    np.savez(empty)
    with pytest.raises(ValueError, match="names to tensors; got the entries none"):
        run(tmp_path, empty)


def test_files_that_are_no_generators_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no generator at .*absent.npz: train it"):
        bundled.find_weights(tmp_path / "absent.npz", "deepprivacy")
    with pytest.raises(ValueError, match=r"^sun2018 needs the weights .* --weights="):
        bundled.find_weights(None, "sun2018")
    other = tmp_path / "other.npz"
    np.savez(other, a=np.ones(3))
    with pytest.raises(ValueError, match=r"other.npz must be a generator"):
        generator_files.read(other)
    pathlib.Path(tmp_path / "text.npz").write_text("text")
    with pytest.raises(ValueError, match=r"text.npz must be a generator"):
        generator_files.read(tmp_path / "text.npz")
    config = DeepPrivacyConfig(channels=8, resolution=8)
    model = deepprivacy_models.build_generator(config)
    wrong = generator_files.About("deepprivacy", DeepPrivacyConfig(16, 8), "a test")
    generator_files.write(tmp_path / "wrong.npz", model, wrong)
    with pytest.raises(ValueError, match="of another version"):
        generator_files.read(tmp_path / "wrong.npz")


def test_names_that_several_devices_leave_tell_the_settings_too(tmp_path):
    model = deepprivacy_models.build_generator(DeepPrivacyConfig(16, 16))
    arrays = arrays_of(deepprivacy.reference_variables(model))
    source = tmp_path / "many.npz"
    np.savez(source, **{f"module.{name}": value for name, value in arrays.items()})
    read = checkpoints.read(source, deepprivacy.CONTAINERS)
    assert deepprivacy.config_of(read).resolution == 16


def test_a_spectral_vector_of_another_length_is_listed_with_the_rest():
    config = ciagan_models.CiaganConfig(width_multiplier=1 / 16, num_identities=3)
    model = ciagan_models.build_generator(config)
    arrays = arrays_of(ciagan.reference_variables(model))
    name = next(name for name in arrays if name.endswith("weight_v"))
    arrays[name] = np.ones(3, np.float32)
    del arrays["embed.1.bias"]
    with pytest.raises(ValueError) as error:
        ciagan.load_reference(model, arrays)
    assert f"{name} must be" in str(error.value)
    assert "missing embed.1.bias" in str(error.value)


def test_ciagan_through_a_file(tmp_path):
    small = ciagan_models.CiaganConfig(width_multiplier=1 / 16, num_identities=3)
    model = ciagan_models.build_generator(small)
    about = generator_files.About("ciagan", small, "a test", demonstration=True)
    generator_files.write(tmp_path / "g.npz", model, about)
    stored, known = generator_files.read(tmp_path / "g.npz")
    assert known == about
    for one, other in zip(stored.weights, model.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_limit_of_memory_is_a_flag(tmp_path, capsys):
    source = tmp_path / "dsfd.npz"
    np.savez(source, weight=np.zeros(10**6, np.float32))
    flags = ["--mode=import_weights", "--model=dsfd", f"--source={source}"]
    flags.append(f"--workdir={tmp_path / 'run'}")
    for limit, words in (
        ("0.003", "take 0.004 GB; max_gb is 0.003"),
        ("4", "of another network than"),
    ):
        with pytest.raises(SystemExit, match="2"):
            main.run([*flags, f"--max_gb={limit}"])
        assert words in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main.run([*flags, "--max_gb=-1"])
    assert "max_gb must be above 0, and finite; got -1" in capsys.readouterr().err


def test_the_limit_reaches_every_reader(tmp_path):
    source = tmp_path / "dsfd.pth"
    content = pickle.dumps({"a": 1})
    with zipfile.ZipFile(source, "w") as file:
        file.writestr("archive/data.pkl", content)
        file.writestr("archive/data/0", bytes(10**6))
    with pytest.raises(ValueError, match=r"take 0\.001 GB; max_gb is 0\.0005"):
        checkpoints.read(source, max_gb=0.0005)


def test_the_limit_is_no_setting_of_the_work_folder(tmp_path):
    workdir.claim(SMALL, tmp_path)
    (tmp_path / "used").touch()
    workdir.claim(dataclasses.replace(SMALL, max_gb=9.0), tmp_path)
