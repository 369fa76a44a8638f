"""What a run goes on with after an interruption."""

import pathlib

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


# === Rights and the name ===


def rights_of(path):
    return path.stat().st_mode & 0o777


def test_a_name_that_cannot_be_given_leaves_what_the_next_run_goes_on_with(output):
    output.symlink_to(output.with_name("nowhere"))
    with _opened(output) as partial, pytest.raises(OSError, match="Not a directory"):
        partial.publish(output)
    output.unlink()
    with _opened(output) as partial:
        assert list(partial.done) == NAMES
        partial.publish(output)
    assert rights_of(output) & 0o077


def test_a_kill_behind_the_name_costs_no_rights(output, monkeypatch):
    def stop(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, _opened(output) as partial:
        patch.setattr(pathlib.Path, "chmod", stop)
        with pytest.raises(KeyboardInterrupt):
            partial.publish(output)
    assert rights_of(output) == 0o700
    unfinished.finish(output)
    (output / "usual").mkdir()
    assert rights_of(output) == rights_of(output / "usual")
    output.chmod(0o700)  # by its owner
    unfinished.finish(output)
    assert rights_of(output) == 0o700


def test_a_folder_is_made_for_its_user_alone_or_refused(tmp_path):
    folder = tmp_path / "deeper" / "own"
    for _ in range(2):
        unfinished.make_own(folder)
        assert rights_of(folder) == 0o700
    (tmp_path / "link").symlink_to(folder)
    (tmp_path / "file").touch(0o600)
    folder.chmod(0o750)
    for path in (folder, tmp_path / "link", tmp_path / "file"):
        with pytest.raises(ValueError, match=rf"^{path} must be .* alone.*; remove it"):
            unfinished.make_own(path)
    assert rights_of(folder) == 0o750


def test_a_file_system_without_rights_is_told(tmp_path, monkeypatch):
    mkdir = pathlib.Path.mkdir

    def open_to_all(self, mode=0o777, **options):
        mkdir(self, **options)
        self.chmod(0o777)

    monkeypatch.setattr(pathlib.Path, "mkdir", open_to_all)
    words = rf"^{tmp_path} lies in a file system that keeps no rights.*in another one$"
    for _ in range(2):  # nothing is left that would have to be removed
        with pytest.raises(ValueError, match=words), _opened(tmp_path / "out"):
            pass
    assert not list(tmp_path.iterdir())
