"""Colour distortion of training photos: uint8 [H, W, 3] RGB in, the same out.

Source: dsfd.md, section 9.2 A.
"""

import cv2
import numpy as np

_LEVELS = np.arange(256, dtype=np.float32)


def distort(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Change brightness, contrast, saturation and hue, each with probability 1/2.

    Contrast comes second or last. Every operation rounds to 8 bits.

    Source: dsfd.md, section 9.2 A.
    """
    contrast = (adjust_contrast, 1 + rng.uniform(-0.5, 0.5))
    steps = [
        (adjust_brightness, 1 + rng.uniform(-0.125, 0.125)),
        (adjust_saturation, 1 + rng.uniform(-0.5, 0.5)),
        (adjust_hue, rng.uniform(-18, 18)),
    ]
    steps.insert(1 if rng.random() < 0.5 else 3, contrast)
    for (adjust, amount), applied in zip(steps, rng.random(4) < 0.5, strict=True):
        if applied:
            image = adjust(image, amount)
    return image


def adjust_brightness(image: np.ndarray, factor: float) -> np.ndarray:
    """Multiply every value by `factor`."""
    return cv2.LUT(image, _to_bytes(factor * _LEVELS))


def adjust_contrast(image: np.ndarray, factor: float) -> np.ndarray:
    """Scale the distance of every value to the photo's mean grey by `factor`."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    mean = np.floor(cv2.mean(grey)[0] + 0.5)
    return cv2.LUT(image, _to_bytes(mean + factor * (_LEVELS - mean)))


def adjust_saturation(image: np.ndarray, factor: float) -> np.ndarray:
    """Scale the distance of every pixel to its own grey by `factor`."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    grey = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
    return cv2.addWeighted(image, factor, grey, 1 - factor, 0)


def adjust_hue(image: np.ndarray, steps: float) -> np.ndarray:
    """Turn the hue by `steps` of 1/256 of the colour circle."""
    shifted = (np.trunc(_LEVELS + steps).astype(np.int64) % 256).astype(np.uint8)
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV_FULL)
    cv2.insertChannel(cv2.LUT(cv2.extractChannel(hsv, 0), shifted), hsv, 0)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB_FULL)


def _to_bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(np.floor(values + 0.5), 0, 255).astype(np.uint8)
