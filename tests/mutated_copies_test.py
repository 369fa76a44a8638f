"""Some of the broken copies; `python tests/mutated_copies.py` reads more."""

import mutated_copies


def test_a_broken_copy_is_one_line_or_is_read():
    counts = mutated_copies.read(range(40))
    assert counts["error"] > 10 and counts["records"] > 5
