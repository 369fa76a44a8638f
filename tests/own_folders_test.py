"""What is told of one's own folders before TensorFlow is loaded."""

import dataclasses
import pathlib

import pytest

from safefakes_tf import own_folders, unfinished
from safefakes_tf.config import AnonymizationConfig
from safefakes_tf.config.data import OwnPhotosConfig
from safefakes_tf.config.modes import Anonymize


@pytest.fixture
def settings(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "one.jpg").touch()
    paths = {"input": str(photos), "output": str(tmp_path / "out")}
    return Anonymize(OwnPhotosConfig("blackout"), **paths)


def test_an_anonymizer_must_be_named_but_for_a_dry_run(settings):
    settings = dataclasses.replace(settings, data=OwnPhotosConfig())
    words = r"^--anonymizer must be named, one of blackout, .*ciagan; original leaves "
    with pytest.raises(ValueError, match=words):
        own_folders.check(settings)
    own_folders.check(settings, dry_run=True)


def test_missing_weights_are_told(settings, tmp_path):
    settings = dataclasses.replace(settings, data=OwnPhotosConfig("ciagan"))
    with pytest.raises(ValueError, match=r"^ciagan needs the weights .* --weights="):
        own_folders.check(settings)
    weights = AnonymizationConfig(weights=str(tmp_path / "absent.npz"))
    data = OwnPhotosConfig("ciagan", weights)
    with pytest.raises(ValueError, match=r"^no generator at .*absent.npz: train it"):
        own_folders.check(dataclasses.replace(settings, data=data))
    own_folders.check(settings, dry_run=True)


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("inside", ["photos/out", "photos/a/../b/out", "link/out"])
def test_an_output_among_the_photos_is_refused(inside, dry_run, settings, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "photos")
    output = str(tmp_path / inside)
    with pytest.raises(ValueError, match=r"lies in the folder .* beside it"):
        own_folders.check(dataclasses.replace(settings, output=output), dry_run)


def test_so_it_is_if_the_folder_of_photos_is_a_link(settings, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "photos")
    changes = {"input": str(tmp_path / "link"), "output": f"{tmp_path}/photos/out"}
    with pytest.raises(ValueError, match="lies in the folder of the photos"):
        own_folders.check(dataclasses.replace(settings, **changes))


def test_names_that_begin_alike_and_a_photo_alone_are_no_such_case(settings, tmp_path):
    beside = dataclasses.replace(settings, output=str(tmp_path / "photos.out"))
    own_folders.check(beside)
    alone = dataclasses.replace(settings, input=str(tmp_path / "photos" / "one.jpg"))
    own_folders.check(dataclasses.replace(alone, output=f"{tmp_path}/photos/out"))


def test_a_folder_is_not_written_over(settings):
    output = pathlib.Path(settings.output)
    output.mkdir()
    with pytest.raises(ValueError, match="is there already; name another folder"):
        own_folders.check(settings)
    (output / "metadata.json").touch()  # the last file of a run
    own_folders.check(settings)


def test_a_link_to_nothing_is_no_name_for_a_folder(settings, tmp_path):
    pathlib.Path(settings.output).symlink_to(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="is there already; name another folder"):
        own_folders.check(settings)


def test_a_folder_without_photos_is_told(settings):
    (pathlib.Path(settings.input) / "one.jpg").unlink()
    with pytest.raises(ValueError, match="holds no photo; name"):
        own_folders.check(settings)


# === Ctrl-C ===


def stopped(settings, dry_run=False):
    with (
        pytest.raises(KeyboardInterrupt) as stop,
        own_folders.telling_what_is_done(settings, dry_run),
    ):
        raise KeyboardInterrupt
    return str(stop.value)


def test_who_stops_a_run_is_told_how_many_photos_are_done(settings):
    goes_on = "photos are done, and the same command goes on from there"
    assert stopped(settings) == f"stopped; 0 {goes_on}"
    output = pathlib.Path(settings.output)
    with unfinished.opened(output, {"seed": "0"}, ["a.jpg", "b.jpg"]) as partial:
        assert stopped(settings) == f"stopped; 0 {goes_on}"
        partial.add("a.jpg", action=[1])
        partial.add("b.jpg", action=[])
        assert stopped(settings) == f"stopped; 2 {goes_on}"
        partial.add("b.jpg")  # no longer, as it is another photo
        assert stopped(settings) == f"stopped; 1 {goes_on}"
    output.mkdir()
    (output / "metadata.json").touch()
    assert stopped(settings) == f"stopped; {output} is complete"
    assert stopped(settings, dry_run=True) == "stopped; a dry run starts anew"
