"""Writes the .pth files beside it with PyTorch, which nothing else here needs.

python -m venv scratch && scratch/bin/pip install torch numpy
scratch/bin/python tests/importers/data/write_torch_files.py
"""

import collections
import pathlib

import torch

HERE = pathlib.Path(__file__).parent

torch.manual_seed(0)
base = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
tensors = collections.OrderedDict(
    plain=base,
    transposed=base.permute(2, 0, 1),
    slice=base[:, 1:, ::2],
    parameter=torch.nn.Parameter(base[0] / 7),
    half=base.half() / 3,
    brain=(base / 3).bfloat16(),
    double=base.double() / 3,
    whole=base.long(),
    byte=base.byte(),
    flags=base > 5,
    scalar=torch.tensor(2.5),
    empty=torch.zeros(0, 3),
)
checkpoint = {
    "epoch": 3,
    "name": "x",
    "rates": [0.1, (1, None)],
    "weight": tensors,
    "model": torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3)).state_dict(),
}
torch.save(checkpoint, HERE / "archive.pth")
torch.save(checkpoint, HERE / "stream.pth", _use_new_zipfile_serialization=False)
