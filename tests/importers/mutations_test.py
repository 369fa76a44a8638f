import mutations


def test_broken_files_are_read_or_refused_in_one_line():
    outcomes, failed = mutations.read_in_children(500)
    assert failed == {}
    assert outcomes["read"] > 50
    assert outcomes["refused"] > 250
