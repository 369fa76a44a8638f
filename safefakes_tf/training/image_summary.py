"""Images that show how a generator does."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from safefakes_tf.contact_sheet import contact_sheet

NUM_SAMPLES = 8  # faces, the same all along


def first_samples(dataset: tf.data.Dataset) -> Any:
    """Return a batch of the first faces of a training's data set (`Positioned`)."""
    samples, _ = next(iter(dataset.unbatch().batch(NUM_SAMPLES)))
    return samples


def sample_sheet(*columns: Sequence[np.ndarray]) -> np.ndarray:
    """Lay out faces as they are, masked, and generated, as uint8 [H, W, 3].

    Args:
        columns: three times float32 [B, R, R, 3], about -1..1.
    """
    pixels = [
        np.clip(np.round((np.asarray(images) + 1) * 127.5), 0, 255).astype(np.uint8)
        for images in columns
    ]
    rows = list(zip(*pixels, strict=True))
    return contact_sheet(rows, ["original", "masked", "generated"], [""] * len(rows))
