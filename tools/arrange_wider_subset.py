r"""Arrange some photos of WIDER FACE, and two lists that divide them, as a copy of it.

    python -m tools.arrange_wider_subset --photos=WIDER_val/images \
        --train=role_train_bbx_gt.txt --validation=role_val_bbx_gt.txt \
        --ground_truth=ground_truth --output=wider

For trials of the whole way from photos to AP by those who have WIDER FACE in part, say
its validation photos alone. The lists are in the format of wider_face_val_bbx_gt.txt;
`--ground_truth` holds wider_{easy,medium,hard}_val.mat, which know the official
validation photos only, so that `--validation` must list some of those. Nothing is
copied: the output consists of symbolic links. A partial copy reads what is listed and
leaves the rest, so both parts may show the same folder, and the .mat files stay whole.

Then, with a narrow detector, and 12800 in place of 20 steps for one that finds faces,
which takes an hour on one core:

    DATA="--dataset=widerface --anonymizer=blur --data_dir=data"
    python main.py --mode=build_dataset $DATA --manual_dir=wider \
        --set=data.allow_partial=true
    python main.py --mode=train_detector $DATA --manual_dir=wider \
        --set=data.allow_partial=true --workdir=results/subset \
        --set=model.width_multiplier=0.125 --set=model.input_size=128 \
        --set=model.pixel_scale=0.015625 --set=optimizer.kind=adam \
        --set=optimizer.learning_rate=1e-3 --set=loop.total_steps=20 \
        --set=loop.global_batch_size=8
    python main.py --mode=evaluate --workdir=results/subset

After 20 steps the AP is 0, and `--set=inference.multi_scale=false` tells so sooner.
After 12800 it tells how the training went, but is no result on WIDER FACE, from whose
validation photos no detector may learn.
"""

import argparse
import pathlib
import sys

from safefakes_tf.photos.box_files import wider, wider_mat


def arrange(
    photos: pathlib.Path,
    train: pathlib.Path,
    validation: pathlib.Path,
    ground_truth: pathlib.Path,
    output: pathlib.Path,
) -> None:
    """Make a folder that `--manual_dir` may name, of links.

    Args:
        photos: holds `<event>/<name>.jpg`.
        train, validation: lists of photos and faces in WIDER FACE's text format.
        ground_truth: holds `wider_{easy,medium,hard}_val.mat`.
        output: folder to make.

    Raises:
        ValueError: if `output` is there already, a list is malformed or names a photo
            that is not there, the lists share a photo, or a file is missing.
    """
    lists = {"train": train, "val": validation}
    links = {}
    for part, path in lists.items():
        links[f"WIDER_{part}/images"] = photos
        links[f"wider_face_split/{wider.TEXTS[part]}"] = path
    for name in wider_mat.LISTS.values():
        links[f"wider_face_split/{name}"] = ground_truth / name
    _check_files(links.values(), output)
    _check_lists(photos, *lists.values())
    for link, target in links.items():
        (output / link).parent.mkdir(parents=True, exist_ok=True)
        (output / link).symlink_to(target.resolve())


def _check_files(targets, output):
    for target in targets:
        if not target.exists():
            raise ValueError(
                f"{target} is missing; name a folder or file that is there"
            )
    if output.exists():
        raise ValueError(f"{output} is there already; name a folder to be made")


def _check_lists(photos, train, validation):
    names = [
        {photo.filename for photo in wider.read_boxes(path)}
        for path in (train, validation)
    ]
    absent = {name for name in set.union(*names) if not (photos / name).is_file()}
    if absent:
        raise ValueError(
            f"{len(absent)} listed photos are not in {photos}, e.g. {min(absent)}"
        )
    # They would be tested on what they learned from.
    shared = set.intersection(*names)
    if shared:
        raise ValueError(
            f"the lists share {len(shared)} photos, e.g. {min(shared)}; list each once"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, help_text in (
        ("photos", "folder that holds <event>/<name>.jpg"),
        ("train", "list of the photos to train on"),
        ("validation", "list of the photos to evaluate on"),
        ("ground_truth", "folder of wider_{easy,medium,hard}_val.mat"),
        ("output", "folder to make"),
    ):
        parser.add_argument(
            f"--{name}", type=pathlib.Path, required=True, help=help_text
        )
    options = parser.parse_args()
    try:
        arrange(**vars(options))
    except ValueError as error:
        sys.exit(f"arrange_wider_subset: {error}")
    print(f"arranged: {options.output}")


if __name__ == "__main__":
    main()
