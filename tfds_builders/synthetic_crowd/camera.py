"""What a camera does to a scene: exposure, colour cast, blur, noise, compression."""

from typing import NamedTuple

import cv2
import numpy as np


class Camera(NamedTuple):
    """Settings of one photo.

    Attributes:
        focus: face size, pixels, at which things are sharp.
        defocus: blur deviation in pixels per factor e of distance from the focus.
        shake: length of the motion blur, pixels; 0: none.
        shake_angle: its direction, radians.
        exposure: factor on the light.
        cast: three factors for red, green, blue.
        contrast: exponent of the tone curve.
        grain: deviation of the sensor noise, grey levels.
        quality: of the JPEG file.
    """

    focus: float
    defocus: float
    shake: float
    shake_angle: float
    exposure: float
    cast: np.ndarray
    contrast: float
    grain: float
    quality: int


def choose(rng: np.random.Generator, height: int, focus: float) -> Camera:
    """Choose the settings for a photo of `height` pixels, sharp at size `focus`."""
    warm = rng.normal(0, 0.05)
    dark = rng.random()
    exposure = np.exp(rng.normal(0, 0.14))
    if dark < 0.08:
        exposure *= rng.uniform(0.3, 0.55)
    elif dark > 0.95:
        exposure *= rng.uniform(1.35, 1.6)
    return Camera(
        focus=focus,
        defocus=rng.choice([0.0, 0.3, 0.8], p=(0.5, 0.35, 0.15)) * height / 480,
        shake=float(rng.random() < 0.06) * rng.uniform(0.003, 0.008) * height,
        shake_angle=rng.uniform(0, np.pi),
        exposure=exposure,
        cast=np.array([1 + warm, 1 + rng.normal(0, 0.02), 1 - warm]),
        contrast=rng.uniform(0.85, 1.2),
        grain=min(rng.gamma(1.5, 1.0), 6.0),
        quality=int(rng.integers(45, 97)),
    )


def defocus(camera: Camera, face: float) -> float:
    """Return the blur deviation, pixels, of what has faces of this size."""
    return camera.defocus * abs(np.log(face / camera.focus))


def blur(image: np.ndarray, deviation: float) -> np.ndarray:
    """Blur an image or patch; below a third of a pixel it is left as it is."""
    if deviation < 0.35:
        return image
    return cv2.GaussianBlur(image, (0, 0), deviation)


def expose(rng: np.random.Generator, camera: Camera, image: np.ndarray) -> np.ndarray:
    """Return the photo that the sensor delivers, uint8 [H, W, 3]."""
    if camera.shake >= 1:
        image = cv2.filter2D(image, -1, _streak(camera.shake, camera.shake_angle))
    levels = np.arange(256)[:, None] / 255 * camera.exposure * camera.cast
    curve = 255 * (1 - np.exp(-1.9 * levels**camera.contrast)) / (1 - np.exp(-1.9))
    # The shoulder of the curve keeps lamps and sky from being cut off hard.
    table = np.clip(0.5 * curve + 0.5 * 255 * levels, 0, 255).astype(np.uint8)
    toned = cv2.LUT(image, table[:, None])
    noise = rng.standard_normal(image.shape[:2], np.float32) * np.float32(camera.grain)
    return cv2.add(toned, cv2.merge([noise] * 3), dtype=cv2.CV_8U)


def _streak(length: float, angle: float) -> np.ndarray:
    """Return a motion blur kernel, float32 [k, k], sum 1."""
    side = int(np.ceil(length)) // 2 * 2 + 3
    kernel = np.zeros((side, side), np.uint8)
    half = np.array([np.cos(angle), np.sin(angle)]) * length / 2
    middle = side // 2
    start, end = (np.round((middle + s * half) * 16).astype(int) for s in (-1, 1))
    cv2.line(kernel, start.tolist(), end.tolist(), 255, 1, cv2.LINE_AA, 4)
    return (kernel / kernel.sum()).astype(np.float32)


def encode(camera: Camera, image: np.ndarray) -> bytes:
    """Return the photo as JPEG file bytes."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, camera.quality]
    _, data = cv2.imencode(".jpg", image[..., ::-1], quality)
    return data.tobytes()
