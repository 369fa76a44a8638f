"""Data sets of raw photos: other ones than those they were built from are refused."""

import shutil

import pytest
from toy_faces import ToyFaces

from tfds_builders.builder_config import AnonymizedConfig

pytestmark = pytest.mark.usefixtures("anonymizers_traced_once")


class RawFaces(ToyFaces):
    """Toy faces that are said to come from a file."""

    def raw_digest(self, folder):
        file = folder / "photos"
        return file.read_text() if file.exists() else None


def _raw(tmp_path, anonymizer, raw_dir="raw"):
    config = AnonymizedConfig(anonymizer=anonymizer)
    raw_dir = raw_dir and str(tmp_path / raw_dir)
    return RawFaces(
        config=config.name, data_dir=str(tmp_path / "data"), manual_dir=raw_dir
    )


@pytest.fixture
def raw(tmp_path):
    """A function: writes a folder of raw photos."""

    def write(folder, content):
        folder = tmp_path / folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "photos").write_text(content)

    return write


OTHER_RAW = (
    r"^[^\n]*/data/raw_faces/{config}/1\.0\.0 was built from other photos or "
    r"annotations than those in [^\n]*/{raw}; [^\n]*, or remove [^\n]*/data/raw_faces$"
)


@pytest.mark.parametrize("anonymizer", ["source", "blur"])
def test_other_raw_photos_than_those_it_was_built_from_are_refused(
    tmp_path, raw, anonymizer
):
    raw("raw", "one")
    raw("other", "two")
    _raw(tmp_path, anonymizer).prepare()
    _raw(tmp_path, anonymizer).prepare()
    message = OTHER_RAW.format(config=anonymizer, raw="other")
    with pytest.raises(ValueError, match=message):
        _raw(tmp_path, anonymizer, "other").prepare()
    raw("raw", "three")
    with pytest.raises(
        ValueError, match=OTHER_RAW.format(config=anonymizer, raw="raw")
    ):
        _raw(tmp_path, anonymizer).prepare()


def test_other_raw_photos_are_refused_before_anything_is_derived(tmp_path, raw):
    raw("raw", "one")
    raw("other", "two")
    _raw(tmp_path, "source").prepare()
    derived = _raw(tmp_path, "blur", "other")
    with pytest.raises(
        ValueError, match=OTHER_RAW.format(config="source", raw="other")
    ):
        derived.prepare()
    assert not derived.data_path.exists()


def test_derived_photos_remember_the_raw_ones_without_their_source(tmp_path, raw):
    raw("raw", "one")
    raw("other", "two")
    _raw(tmp_path, "blur").prepare()
    shutil.rmtree(tmp_path / "data" / "raw_faces" / "source")
    with pytest.raises(ValueError, match=OTHER_RAW.format(config="blur", raw="other")):
        _raw(tmp_path, "blur", "other").prepare()


def test_raw_photos_that_are_gone_are_not_missed(tmp_path, raw):
    raw("raw", "one")
    _raw(tmp_path, "blur").prepare()
    for gone in ("raw", None, "elsewhere"):
        shutil.rmtree(tmp_path / "raw", ignore_errors=True)
        _raw(tmp_path, "blur", gone).prepare()
    raw("data/downloads/manual", "two")
    message = OTHER_RAW.format(config="blur", raw="data/downloads/manual")
    with pytest.raises(ValueError, match=message):
        _raw(tmp_path, "blur", None).prepare()


@pytest.mark.parametrize("when", ["source_examples", "_records"])
def test_raw_data_that_change_while_they_are_read_are_refused(
    tmp_path, raw, when, monkeypatch
):
    """Else the next run would take old photos or boxes for those that are there."""
    raw("raw", "one")
    read = getattr(RawFaces, when)

    def changed_behind(*arguments):
        found = read(*arguments)
        raw("raw", "two")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(RawFaces, when, changed_behind)
        with pytest.raises(ValueError, match=r"^[^\n]*/raw changed while[^\n]*again$"):
            _raw(tmp_path, "blur").prepare()
    assert not list((tmp_path / "data").rglob("*.tfrecord*"))
    _raw(tmp_path, "blur").prepare()
    _raw(tmp_path, "blur").prepare()
