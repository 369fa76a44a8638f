"""What a run goes on with after an interruption."""

import pytest

from safefakes_tf import unfinished

MADE_FROM = {"seed": "0"}
NAMES = ["1.jpg", "2.jpg"]


def _opened(output):
    return unfinished.opened(output, MADE_FROM, NAMES)


@pytest.fixture
def output(tmp_path):
    """A folder of which two files are made."""
    with _opened(tmp_path / "out") as partial:
        for number, name in enumerate(NAMES):
            partial.add(name, action=[number])
    return tmp_path / "out"


def test_what_is_done_is_known(output):
    with _opened(output) as partial:
        assert partial.done == {"1.jpg": {"action": [0]}, "2.jpg": {"action": [1]}}


@pytest.mark.parametrize(
    ("damaged", "known"),
    [
        (lambda content: content[:-1], NAMES),
        (lambda content: content[:-2], NAMES[:1]),
        (lambda content: content.replace(b'"1.jpg"', b'"2.jpg"'), []),
        (lambda content: content.replace(b"[1]", b"[3]"), NAMES[:1]),
        (lambda content: content.replace(b'"name"', b'"nome"'), []),
        (lambda content: content[1:], []),
        (lambda content: content + b"\n7\n", NAMES),
        (lambda content: content + content, NAMES),
        (lambda content: content + b"[" * 100_000, NAMES),
        (lambda content: content + b"\xff[1, {}]", NAMES),
    ],
)
def test_a_journal_counts_up_to_what_was_damaged(damaged, known, output):
    journal = output.with_name("out.partial") / unfinished.JOURNAL
    content = journal.read_bytes()
    journal.write_bytes(damaged(content))
    assert journal.read_bytes() != content
    for _ in range(2):  # and is mended
        with _opened(output) as partial:
            assert list(partial.done) == known
