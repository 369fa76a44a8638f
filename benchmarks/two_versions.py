"""Speed and memory of anonymizing, as commands, also against another version's.

  python benchmarks/two_versions.py memory
  python benchmarks/two_versions.py memory --megapixels=0.1 --count=1000
  python benchmarks/two_versions.py speed --photos=DIR --lists=DIR --other=DIR
  python benchmarks/two_versions.py folder --photos=DIR --other=DIR --anonymizer=blur

`memory` blacks out made-up photos, in a folder and as a data set, and prints the peak
of each command. Expected: 1.3 GB or less for 17 photos of 24 megapixels, and no more
for 1,000 small ones than for 100.

`speed` builds a data set of 64 photos from a copy of WIDER FACE with a full-size CIAGAN
of random weights, keypoints searched anew, with the code here and in `--other`, in
turn. Printed are photos per second, without the time that the same command takes when
all is there. Expected: 1.3 times those of version 0.4.0.

`folder` anonymizes 100 photos of such a copy with `--mode=anonymize`, boxes and faces
from 10 px as annotated, with both in turn; the weights are those that come along, and a
filter is the study's. Printed are seconds, the start of the programme included, and of
the fastest of three rounds. Expected: half the time of version 0.4.0 with CIAGAN.
"""

import argparse
import itertools
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BOXES = "wider_face_val_bbx_gt.txt"
sys.path.insert(0, str(ROOT))


def run(code: pathlib.Path, *flags: str) -> tuple[float, float]:
    """Return seconds and peak gigabytes of `python main.py` with flags."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, str(code / "main.py"), *flags],
        cwd=code,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"main.py {' '.join(flags)} failed")
    return time.perf_counter() - start, usage.ru_maxrss / 1e6


def build(data: pathlib.Path, raw: pathlib.Path, *flags: str) -> list[str]:
    """Return the flags that build a data set of a partial copy of WIDER FACE."""
    folders = [f"--data_dir={data}", f"--manual_dir={raw}", f"--workdir={data}/work"]
    partial = "--set=data.allow_partial=true"
    return ["--mode=build_dataset", "--dataset=widerface", partial, *folders, *flags]


def make_photos(folder: pathlib.Path, count: int, megapixels: float) -> None:
    """Write photos with four faces each, side by side, in the folders of WIDER FACE."""
    import cv2
    import numpy as np

    height = int((megapixels * 1e6 / 1.5) ** 0.5)
    noise = np.random.default_rng(0).integers(0, 256, [height // 8, height // 5, 3])
    photo = cv2.resize(noise.astype(np.uint8), (height * 3 // 2, height))
    images = folder / "WIDER_val" / "images" / "0--Made"
    images.mkdir(parents=True)
    (folder / "wider_face_split").mkdir()
    lines = []
    for index in range(count):
        name = f"0--Made/{index}.jpg"
        cv2.imwrite(str(images / f"{index}.jpg"), photo)
        boxes = [
            f"{n * height // 3} 10 {height // 5} {height // 4} 0 0 0 0 0 0"
            for n in range(4)
        ]
        lines += [name, str(len(boxes)), *boxes]
    text = "".join(f"{line}\n" for line in lines)
    (folder / "wider_face_split" / BOXES).write_text(text)


def memory(arguments: argparse.Namespace, scratch: pathlib.Path) -> None:
    """Print the peaks."""
    raw = scratch / "raw"
    make_photos(raw, arguments.count, arguments.megapixels)
    commands = {
        "folder": [
            "--mode=anonymize",
            "--anonymizer=blackout",
            f"--input={raw}/WIDER_val/images",
            f"--annotations={raw}/wider_face_split/{BOXES}",
            f"--output={scratch}/out",
        ],
        "data set": build(scratch / "data", raw, "--anonymizer=blackout"),
    }
    for name, flags in commands.items():
        seconds, peak = run(ROOT, *flags)
        print(f"{name}: peak {peak:.2f} GB, {arguments.count / seconds:.2f} photos/s")


def speed(arguments: argparse.Namespace, scratch: pathlib.Path) -> None:
    """Print the rates of both versions."""
    import numpy as np

    from safefakes_tf.anonymizers import generator_files
    from safefakes_tf.anonymizers.ciagan import network
    from safefakes_tf.config import CiaganConfig
    from safefakes_tf.config.overrides import RENAMED

    raw, weights = scratch / "raw", scratch / "ciagan.npz"
    settings = CiaganConfig()
    about = generator_files.About("ciagan", settings, "random, for a benchmark")
    generator_files.write(weights, network.build_generator(settings), about)
    with np.load(weights) as file:  # in the words of 0.4.0, which are still read
        arrays = dict(file)
    text = str(arrays.pop("about"))
    for before, now in RENAMED.items():
        text = text.replace(f'"{now}"', f'"{before}"')
    np.savez(weights, about=text, **arrays)
    shutil.copytree(arguments.photos / "wider_face_split", raw / "wider_face_split")
    if arguments.lists:
        shutil.copytree(arguments.lists, raw / "ground_truth")
    paths = sorted(arguments.photos.rglob("WIDER_val/images/*/*.jpg"))
    for path in paths[:: max(1, len(paths) // arguments.count)][: arguments.count]:
        place = raw / path.relative_to(arguments.photos)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(path.resolve())
    rates = {}
    for name, code in {"other": arguments.other, "this": ROOT}.items():
        data = scratch / name
        run(code, *build(data, raw, "--anonymizer=original"))
        flags = build(data, raw, "--anonymizer=ciagan", f"--weights={weights}")
        seconds = run(code, *flags)[0] - run(code, *flags)[0]
        rates[name] = arguments.count / seconds
        print(f"{name}: {rates[name]:.2f} photos/s")
    print(f"{rates['this'] / rates['other']:.2f} times the rate of the other version")


def folder(arguments: argparse.Namespace, scratch: pathlib.Path) -> None:
    """Print the seconds of both versions."""
    photos, boxes = scratch / "photos", scratch / "boxes.csv"
    photos.mkdir()
    text = (arguments.photos / "wider_face_split" / BOXES).read_text()
    lines = iter(text.splitlines())
    rows = ["filename,x,y,width,height"]
    for name in itertools.takewhile(bool, lines):
        found = [next(lines).split() for _ in range(max(1, int(next(lines))))]
        path = arguments.photos / "WIDER_val" / "images" / name
        if path.exists() and len(list(photos.iterdir())) < arguments.count:
            (photos / path.name).symlink_to(path.resolve())
            rows += [",".join([path.name, *row[:4]]) for row in found if row[3] != "0"]
    boxes.write_text("\n".join([*rows, ""]))
    weights = ROOT / "safefakes_tf" / "weights" / f"{arguments.anonymizer}_crowd.npz"
    seconds = {}
    versions = {"other": arguments.other, "this": ROOT}
    for turn, (name, code) in itertools.product(range(3), versions.items()):
        options = ["--set=data.anonymization.min_width=10"]
        if (code / "safefakes_tf" / "config").is_dir():  # since then there is another
            options.append("--set=data.anonymization.strength=study")
        flags = ["--mode=anonymize", f"--anonymizer={arguments.anonymizer}", *options]
        flags += [f"--input={photos}", f"--annotations={boxes}"]
        if weights.exists():
            flags.append(f"--weights={weights}")
        took, _ = run(code, *flags, f"--output={scratch / f'{name}{turn}'}")
        seconds[name] = min(took, seconds.get(name, took))
    for name, took in seconds.items():
        print(f"{name}: {took:.1f} s")
    print(f"{seconds['other'] / seconds['this']:.2f} times as fast")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("memory", "speed", "folder"))
    parser.add_argument("--photos", type=pathlib.Path, help="copy of WIDER FACE")
    parser.add_argument(
        "--lists", type=pathlib.Path, help="wider_{easy,medium,hard}_val.mat, for 0.4.0"
    )
    parser.add_argument("--other", type=pathlib.Path, help="code of another version")
    parser.add_argument("--anonymizer", default="ciagan")
    parser.add_argument("--count", type=int)
    parser.add_argument("--megapixels", type=float, default=24)
    arguments = parser.parse_args()
    measure, count = {"memory": (memory, 17), "speed": (speed, 64)}.get(
        arguments.what, (folder, 100)
    )
    arguments.count = arguments.count or count
    with tempfile.TemporaryDirectory() as scratch:
        measure(arguments, pathlib.Path(scratch))


if __name__ == "__main__":
    main()
