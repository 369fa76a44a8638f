"""OpenCV's Gaussian blur of 8 bits, and the kernel that makes the same pixels of it.

Source: conventional.md, conventions.
"""

import cv2
import numpy as np

from safefakes_tf.ops import filters as filter_ops

LARGEST = 9  # px; of longer kernels, whole 256ths leave too little


def kernel(size: int) -> np.ndarray:
    """Return the weights by which `blur` works, for `filters.blur`.

    They are whole 256ths, so every sum of theirs with pixels along both axes is exact
    in float32, in whatever order.

    Args:
        size: odd, 1 to `LARGEST`.

    Returns:
        float32 [size], sums to one: each weight rounded to nearest, but for the middle
        one, which is what the others leave.

    Source: OpenCV, modules/imgproc/src/smooth.dispatch.cpp,
        `getGaussianKernelFixedPoint_ED`; errors that it carries on to the next weight
        make no difference at these sizes.
    """
    weights = np.round(256 * filter_ops.gaussian_kernel(size))
    weights[size // 2] += 256 - weights.sum()
    return weights / np.float32(256)


def blur(photo: np.ndarray, size: int) -> np.ndarray:
    """Blur a photo, bit for bit as `filters.blur` does with `kernel(size)`.

    Args:
        photo: uint8 [H, W, 3], H, W >= 1.
        size: of the kernel; odd, 1 to `LARGEST`.

    Returns:
        uint8 [H, W, 3].
    """
    reach = size // 2
    height, width = photo.shape[:2]
    # OpenCV would mirror a thin photo time and again; conventional.md repeats its edge.
    above, beside = reach * (height <= reach), reach * (width <= reach)
    if above or beside:
        photo = cv2.copyMakeBorder(
            photo, above, above, beside, beside, cv2.BORDER_REPLICATE
        )
    blurred = cv2.GaussianBlur(
        photo,
        (size, size),
        filter_ops.gaussian_sigma(size),
        borderType=cv2.BORDER_REFLECT_101,
        hint=cv2.ALGO_HINT_ACCURATE,  # in whole numbers
    )
    return blurred[above : above + height, beside : beside + width]
