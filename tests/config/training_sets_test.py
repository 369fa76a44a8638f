"""The study's training sets are names on the command line."""

import json

import pytest

import main

SETS = {  # file in configs/ -> anonymizer, and what differs in `data`
    "deepprivacy_fdf": ("deepprivacy", {"dataset": "fdf"}),
    "deepprivacy_fdf_100k": ("deepprivacy", {"dataset": "fdf", "first": 100_000}),
    "deepprivacy_pipa": ("deepprivacy", {"dataset": "pipa", "join_validation": True}),
    "sun2018_pipa": ("sun2018", {"dataset": "pipa", "join_validation": True}),
    "ciagan_celeba": ("ciagan", {"dataset": "celeba", "identities": 1200}),
    "ciagan_pipa": ("ciagan", {"dataset": "pipa", "join_validation": True}),
}


@pytest.mark.parametrize("name", SETS)
def test_a_training_set_is_a_name(name, capsys):
    main.main(["--mode=train_anonymizer", f"--config={name}", "--dry_run"])
    settings = json.loads(capsys.readouterr().out)
    anonymizer, expected = SETS[name]
    data = settings["data"]
    assert data["anonymizer"] == anonymizer
    assert expected.items() <= {**data, **data[data["dataset"]]}.items()
    assert settings["gan"]["only_with_keypoints"] == (
        data["dataset"] == "pipa" and anonymizer != "ciagan"
    )


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("fdf.size=127", "data.fdf.size must be one of 4, 8, 16, 32, 64, 128; got 127"),
        ("fdf.first=1.5", "data.fdf.first must be above 0, and whole if it is above 1"),
        ("fdf.first=inf", "data.fdf.first must be"),
        ("fdf.first=0", "data.fdf.first must be"),
        ("celeba.identities=-1", "data.celeba.identities must be at least 0; got -1"),
    ],
)
def test_a_part_that_there_cannot_be_is_one_line(setting, words):
    with pytest.raises(ValueError, match=rf"^{words}[^\n]*$"):
        main.main(["--mode=build_dataset", f"--set=data.{setting}", "--dry_run"])
