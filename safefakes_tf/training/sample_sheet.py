"""Pictures of how a generator does."""

import numpy as np
import tensorflow as tf

from safefakes_tf.contact_sheet import contact_sheet


def sample_sheet(samples: dict[str, tf.Tensor], painted: tf.Tensor) -> np.ndarray:
    """Lay out faces as they are, hidden, and painted anew, as uint8 [H, W, 3].

    Args:
        samples: see `data.crops`.
        painted: float32 [B, R, R, 3], about -1..1.
    """
    columns = {
        "original": samples["image"],
        "hidden": samples["condition"],
        "generated": painted,
    }
    pixels = [
        np.clip(np.round((np.asarray(images) + 1) * 127.5), 0, 255).astype(np.uint8)
        for images in columns.values()
    ]
    rows = list(zip(*pixels, strict=True))
    return contact_sheet(rows, list(columns), [""] * len(rows))
