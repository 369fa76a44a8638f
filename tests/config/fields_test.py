import re

import pytest

from safefakes_tf.config import (
    MODES,
    DataConfig,
    Study,
    TrainAnonymizer,
    apply_overrides,
    fields,
    names,
    validate,
)
from safefakes_tf.config.fields import differences


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("data.anonymizer=blurr", "did you mean blur"),
        ("data.dataset=widreface", "did you mean widerface"),
        ("data.anonymize=later", "stored, on_the_fly"),
        ("data.image_format=bmp", "jpeg, png"),
        ("data.jpeg_quality=101", "from 1 to 100; got 101"),
        ("data.anonymization.blur_kernel=50", "must be odd"),
        ("loop.total_steps=0", "at least 1"),
        ("optimizer.ema=1", "between 0 and 1, or be none; got 1"),
        ("optimizer.ema=0", "between 0 and 1"),
        ("study_anonymizers=blur,gan", "gan"),
        ("similarity.metrics=l1,lpip", "metrics must be one of .* did you mean lpips"),
        ("similarity.reference=blur", "original, source"),
        ("similarity.batch_size=0", "at least 1"),
        ("inference.ap_arithmetic=octave", "python, matlab"),
        ("seed=-1", "seed must be from 0 to 4294967295; got -1"),
        ("seed=4294967296", "from 0 to 4294967295"),
        ("data.crowd.seed=-1", "data.crowd.seed must be from 0"),
        ("data.crowd.num_train=0", "at least 1; got 0"),
        ("data.crowd.num_validation=0", "at least 1"),
        ("data.crowd.max_people=0", "at least 1"),
        ("data.crowd.width=31", "at least 32; got 31"),
        ("data.crowd.height=0", "at least 32"),
        ("data.crowd.min_face=0.5", "at least 1; got 0.5"),
        ("data.crowd.min_face=nan", "at least 1; got nan"),
        ("data.crowd.max_face=7", "max_face must be at least 8; got 7"),
        ("data.crowd.max_face=inf", "at least 8 and finite; got inf"),
        ("loop.image_summary_every=0", "at least 1"),
        ("inference.scale=0", "inference.scale must be above 0, and finite; got 0"),
        ("optimizer.learning_rate=nan", "finite; got nan"),
        ("optimizer.learning_rate=-1e-3", "above 0"),
        ("optimizer.momentum=1", "momentum must be at least 0 and below 1; got 1"),
        ("optimizer.momentum=-0.1", "below 1"),
        ("optimizer.weight_decay=-1e-4", "weight_decay must be at least 0"),
        ("optimizer.decay_steps=5,-1", "decay_steps must be at least 0; got -1"),
        ("optimizer.warmup_steps=-1", "at least 0"),
        ("optimizer.clip_norm=0", "clip_norm must be above 0, and finite; got 0"),
        ("optimizer.clip_norm=-1", "above 0"),
        ("model.anchor_ratio=0", "above 0"),
        ("model.anchor_ratio=nan", "above 0"),
        ("model.pixel_scale=-1", "above 0"),
        ("augmentation.anchor_sampling_probability=1.1", "from 0 to 1; got 1.1"),
        ("augmentation.min_face_area=-1", "at least 0"),
        ("loss.match_threshold=0", "above 0, and 1 at most; got 0"),
        ("loss.match_threshold=1.5", "1 at most"),
        ("loss.negatives_per_positive=0", "from 1 to 1000; got 0"),
        ("inference.score_threshold=-0.1", "from 0 to 1"),
        ("inference.nms_iou=0", "above 0, and 1 at most"),
        ("inference.nms_iou=3", "above 0, and 1 at most; got 3"),
        ("inference.max_candidates=0", "from 1 to 1000000; got 0"),
        ("inference.max_detections=4294967296", "from 1 to 1000000"),
        ("data.anonymization.min_width=-1", "at least 0"),
        ("data.anonymization.pixelate_cells=0", "at least 1"),
        ("study_anonymizers=", "must be one name or more, each once; got nothing"),
        ("study_anonymizers=blur,blur", "each once; got blur, blur"),
        ("similarity.split=train[:5", r"such as train\[:500\]; got train\[:5$"),
        ("similarity.split=", "a split, or a part of one, such .*; got nothing"),
        ("similarity.split=train[:]", "a part of one"),
    ],
)
def test_values_out_of_range_are_refused(override, words):
    with pytest.raises(ValueError, match=words):
        validate(apply_overrides(Study(), [override]))


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("gan.identity_weight=-1", "at least 0"),
        ("gan.generator_learning_rate=inf", "finite; got inf"),
        ("gan.discriminator_learning_rate=0", "above 0"),
        ("data.jpeg_quality=0", "from 1 to 100; got 0"),
        ("network.random_crop=37", "network.random_crop must be from 0 to 36; got 37"),
        ("network.random_crop=-1", "from 0 to 36"),
    ],
)
def test_so_are_those_of_a_generators_training(override, words):
    ciagan = TrainAnonymizer(data=DataConfig(anonymizer="ciagan"))
    with pytest.raises(ValueError, match=words):
        validate(apply_overrides(ciagan, [override]))


@pytest.mark.parametrize(
    "split",
    ["train", "train[:500]", "train[-5:]", "train[5%:12.5%]", "validation[:2shard]"],
)
def test_parts_of_a_split_are_taken(split):
    settings = apply_overrides(Study(), [f"similarity.split={split}"])
    assert validate(settings).similarity.split == split


@pytest.mark.parametrize("mode", MODES)
def test_no_number_goes_unchecked(mode):
    """But the largest face, which `validate` compares with the smallest."""
    networks = [names.network(name)() for name in names.generators()]
    unchecked = {
        field.path
        for settings in (MODES[mode].settings(), *networks)
        for field in fields.walk(settings)
        if re.search(r"\b(int|float)\b", str(field.annotation))
        and "Annotated" not in str(field.annotation)
    }
    assert unchecked <= {"data.crowd.max_face"}


def test_differences_are_told_as_a_user_types_them():
    other = apply_overrides(
        Study(),
        ["optimizer.decay_steps=1,2", "data.allow_partial=true", "init_weights=w.h5"],
    )
    assert differences(Study(), other) == [
        "data.allow_partial: false -> true",
        "init_weights: none -> w.h5",
        "optimizer.decay_steps: 40000,50000 -> 1,2",
    ]
