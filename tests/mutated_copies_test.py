"""Some of the broken copies; `python tests/mutated_copies.py` reads more."""

import mutated_copies


def test_a_broken_copy_is_one_line_or_is_read():
    counts = mutated_copies.read(range(40))
    assert counts["error"] and counts["records"]


def test_a_whole_copy_is_read(tmp_path):
    for name, copy in mutated_copies.write_copies(tmp_path).items():
        told = mutated_copies.outcome(name, copy, tmp_path / "data")
        assert told == "records", name
