"""Files of the networks' weights: their names, their digests, and where they lie."""

import os
import pathlib
from typing import NamedTuple

from safefakes_tf import cached_files

FETCHED = "`make weights` fetches it"


class WeightFile(NamedTuple):
    """A published file.

    Attributes:
        name: of the file.
        sha256: hex digits of its digest, or the first of them.
        origin: where people get it, for the message.
    """

    name: str
    sha256: str
    origin: str


LPIPS_ALEXNET = WeightFile(
    "alexnet.ckpt",
    "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1",
    FETCHED,
)
LPIPS_VGG16 = WeightFile(
    "vgg16.ckpt",  # its trunk is torchvision's VGG-16, trained on ImageNet
    "2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d",
    FETCHED,
)
MOBILENET_V2 = WeightFile(
    "mobilenet_v2-b0353104.pth",
    "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
    FETCHED,
)
# PyTorch's files carry the first digits of their digest in their names.
INCEPTION = WeightFile(
    "pt_inception-2015-12-05-6726825d.pth",
    "6726825d",
    "it is a release file of github.com/mseitzer/pytorch-fid; name it with "
    "--set=similarity.inception_weights=FILE",
)


def find(
    file: WeightFile,
    folder: str | os.PathLike | None = None,
    given: str | os.PathLike | None = None,
) -> pathlib.Path:
    """Return where a file lies.

    Args:
        file: one of the above.
        folder: to look in; None: the cache folder.
        given: the file itself, whatever its name; nothing else is tried then.

    Raises:
        ValueError: if it is not there, or has another digest.
    """
    path = pathlib.Path(
        given or pathlib.Path(folder or cached_files.folder()) / file.name
    )
    if not path.is_file():
        raise ValueError(f"{path} is not there: {file.origin}")
    cached_files.check(path, path.read_bytes(), file.sha256)
    return path
