"""Training augmentation of the detector: NumPy, OpenCV and Pillow, one photo at a time.

Every step is a function of an image (uint8 [H, W, 3], RGB), its boxes (float32 [N, 4],
yxyx, in pixels of that image, possibly reaching outside it) and a generator, and
returns the new image and boxes. All randomness comes from that generator.

Source: dsfd.md, section 9.2, steps C to E (A is in
`colour_distortion.py`; B, expansion, is disabled there).
"""

import math
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from safefakes_tf.config import AugmentationConfig
from safefakes_tf.detectors.dsfd import colour_distortion

Sample = tuple[np.ndarray, np.ndarray]

ANCHOR_SIZES = (16, 32, 64, 128, 256, 512)  # px, of the second shot
MAX_PIXELS = 12_000**2  # of a photo enlarged by anchor sampling
NUM_TRIALS = 50
NUM_SQUARE_GENERATORS = 5
MIN_WINDOW_IOU = 0.7
FILL = (104, 117, 123)  # R, G, B: the reference's order, the colour mean reversed

_SAMPLING_FILTERS = (
    cv2.INTER_LINEAR,
    cv2.INTER_CUBIC,
    cv2.INTER_AREA,
    cv2.INTER_NEAREST,
    cv2.INTER_LANCZOS4,
)
_RESIZE_FILTERS = (
    Image.Resampling.BILINEAR,
    Image.Resampling.HAMMING,
    Image.Resampling.NEAREST,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
)
_MARGIN = 4  # source pixels around a window, the reach of the Lanczos-4 filter


def augment(
    image: np.ndarray,
    boxes: np.ndarray,
    rng: np.random.Generator,
    config: AugmentationConfig,
    size: int,
) -> Sample:
    """Return one random training view of a photo.

    Args:
        image: uint8 [H, W, 3], RGB.
        boxes: float32 [N, 4], yxyx, pixels, N >= 1, sides > 0.
        rng: source of every random choice.
        config: mix of the two crops and the area below which faces are dropped.
        size: side of the network input in pixels.

    Returns:
        uint8 [size, size, 3] and float32 [M, 4], yxyx, in pixels of that image, not
        clipped to it; M is 0 where the crop lost every face.

    Source: dsfd.md, section 9.2.
    """
    image = colour_distortion.distort(image, rng)
    crop = (
        crop_around_anchor_size
        if rng.random() < config.anchor_sampling_probability
        else crop_square
    )
    image, boxes = crop(image, boxes, rng, size, config.min_face_area)
    image, boxes = resize(image, boxes, rng, size)
    return flip(image, boxes, rng)


# === C1. Data-anchor-sampling ===


def crop_around_anchor_size(
    image: np.ndarray,
    boxes: np.ndarray,
    rng: np.random.Generator,
    size: int,
    min_area: float,
) -> Sample:
    """Scale the photo so that one face gets near an anchor size, and cut a window.

    Only the part inside the window is resized, by a patch of whole source pixels; this
    moves the window by at most about a pixel, and the boxes with it. Left of and above
    the photo the window is filled with `FILL`; right of and below it, it is cut short,
    so that the result can be smaller than `size`. Boxes are not clipped.

    Source: dsfd.md, section 9.2 C1.
    """
    height, width = image.shape[:2]
    face = boxes[rng.integers(len(boxes))]
    scale = draw_scale(face, height, width, rng, size)
    interpolation = _SAMPLING_FILTERS[rng.integers(len(_SAMPLING_FILTERS))]
    scaled_size = (max(1, round(height * scale)), max(1, round(width * scale)))
    window = draw_window(face * scale, boxes * scale, scaled_size, rng, size)
    if window is None:
        return _rescale_whole(image, boxes, scale, interpolation, size, min_area)
    top, left = window
    rows = _patch(top, size, scale, height, scaled_size[0])
    columns = _patch(left, size, scale, width, scaled_size[1])
    patch = cv2.resize(
        image[rows.first : rows.last, columns.first : columns.last],
        (columns.scaled, rows.scaled),
        interpolation=interpolation,
    )
    patch = patch[
        rows.cut : rows.cut + rows.length, columns.cut : columns.cut + columns.length
    ]
    fill_top, fill_left = max(0, -top), max(0, -left)
    crop = cv2.copyMakeBorder(
        patch, fill_top, 0, fill_left, 0, cv2.BORDER_CONSTANT, value=FILL
    )
    zoom = np.float32([rows.zoom, columns.zoom] * 2)
    shift = np.float32([rows.shift - fill_top, columns.shift - fill_left] * 2)
    boxes = boxes * zoom - shift
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = ((centres > 0) & (centres < size)).all(axis=1)
    return crop, boxes[inside & (_areas(boxes) > min_area)]


def draw_scale(
    face: np.ndarray, height: int, width: int, rng: np.random.Generator, size: int
) -> float:
    """Return the factor that brings a face near a random anchor size.

    Anchor sizes above 0.8 `size` are left out: at 640 px this keeps the published six,
    and in smaller networks no target overfills the window.
    """
    sizes = np.array([s for s in ANCHOR_SIZES if s <= 0.8 * size])
    side = np.sqrt((face[3] - face[1] + 1) * (face[2] - face[0] + 1))
    nearest = int(np.argmin(np.abs(sizes - side)))
    target = sizes[rng.integers(min(nearest + 1, len(sizes) - 1) + 1)]
    scale = float(target / side * 2 ** rng.uniform(-1, 1))
    return min(scale, float(np.sqrt(MAX_PIXELS / (height * width))))


def draw_window(
    face: np.ndarray,
    boxes: np.ndarray,
    image_size: tuple[int, int],
    rng: np.random.Generator,
    size: int,
) -> tuple[int, int] | None:
    """Return top and left of a valid window, or None if no candidate was valid.

    Args:
        face: float32 [4], yxyx, the face to sample around, at the sampled scale.
        boxes: float32 [N, 4], yxyx, all faces at that scale.
        image_size: height and width of the photo at that scale.
        rng: source of the candidates and of the choice between the valid ones.
        size: side of the window in pixels.
    """
    limits = np.array(image_size)
    if size < limits.max():
        bounds = np.stack([face[2:] + 1 - size, face[:2]])
    else:
        bounds = np.stack([limits - size, np.zeros(2)])
    starts = bounds[0] + (bounds[1] - bounds[0]) * rng.random((NUM_TRIALS, 2))
    starts = np.floor(starts).astype(np.int64)
    on_photo = ((starts < limits) & (starts + size > 0)).all(axis=1)
    starts = starts[on_photo & _holds_face(starts, boxes, size)]
    return tuple(map(int, starts[rng.integers(len(starts))])) if len(starts) else None


def _holds_face(starts: np.ndarray, boxes: np.ndarray, size: int) -> np.ndarray:
    """Tell which windows contain a face whole or overlap one by IoU > 0.7; bool [K]."""
    low, high = starts[:, None, :], starts[:, None, :] + size
    whole = ((boxes[:, :2] >= low) & (boxes[:, 2:] <= high)).all(axis=2)
    sides = np.minimum(boxes[:, 2:], high) - np.maximum(boxes[:, :2], low)
    overlap = np.maximum(sides, 0).prod(axis=2)
    iou = overlap / (size**2 + _areas(boxes) - overlap)
    return (whole | (iou > MIN_WINDOW_IOU)).any(axis=1)


class _Patch(NamedTuple):
    """One axis of the piece of a photo that is resized to make a window."""

    first: int  # source pixels first ... last - 1 are read,
    last: int
    scaled: int  # resized to this length,
    cut: int  # and from here
    length: int  # this much of it is the window's part inside the photo
    zoom: float  # source coordinate * zoom - shift = coordinate in that part
    shift: float


def _patch(start: int, size: int, scale: float, full: int, scaled_full: int) -> _Patch:
    begin, end = max(start, 0), min(start + size, scaled_full)
    first = max(0, math.floor(begin / scale) - _MARGIN)
    last = min(full, math.ceil(end / scale) + _MARGIN)
    scaled = max(end - begin, round((last - first) * scale))
    zoom = scaled / (last - first)
    cut = min(max(0, round(begin - first * zoom)), scaled - (end - begin))
    return _Patch(first, last, scaled, cut, end - begin, zoom, first * zoom + cut)


def _rescale_whole(
    image: np.ndarray,
    boxes: np.ndarray,
    scale: float,
    interpolation: int,
    size: int,
    min_area: float,
) -> Sample:
    """Return the whole rescaled photo, enlarged no further than the network can see.

    Enlarging beyond (2 `size`)² pixels would only be undone by the resize that follows.
    """
    kept = _areas(boxes) * scale**2 > min_area
    height, width = image.shape[:2]
    scale = min(scale, max(1.0, 2 * size / math.sqrt(height * width)))
    shape = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(image, shape, interpolation=interpolation), boxes[kept] * (
        np.float32([shape[1] / height, shape[0] / width] * 2)
    )


def _areas(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


# === C2. Square crops ===


def crop_square(
    image: np.ndarray,
    boxes: np.ndarray,
    rng: np.random.Generator,
    size: int,
    min_area: float,
) -> Sample:
    """Cut a square that holds at least one whole face; clip the faces to it.

    Five generators of candidates get 50 tries each: one with the photo's shorter side,
    four with 0.3 to 1 of it. If none of them finds a face, the photo stays whole and
    keeps all its faces, small ones too.

    Source: dsfd.md, section 9.2 C2.
    """
    height, width = image.shape[:2]
    trials = (NUM_SQUARE_GENERATORS, NUM_TRIALS)
    sides = rng.uniform(0.3, 1, trials) * min(height, width)
    sides[0] = min(height, width)
    starts = rng.random((*trials, 2)) * (np.array([height, width]) - sides[..., None])
    low, high = starts[..., None, :], (starts + sides[..., None])[..., None, :]
    accepted = (
        ((boxes[:, :2] >= low) & (boxes[:, 2:] <= high)).all(axis=-1).any(axis=-1)
    )
    generators = np.flatnonzero(accepted.any(axis=1))
    if not len(generators):
        return image, boxes
    chosen = rng.choice(generators)
    trial = int(np.argmax(accepted[chosen]))
    start = starts[chosen, trial]
    top, left, bottom, right = map(int, (*start, *(start + sides[chosen, trial])))
    low, high = np.float32([top, left]), np.float32([bottom, right])
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = ((centres >= low) & (centres <= high)).all(axis=1)
    corners = np.clip(boxes[inside].reshape(-1, 2, 2), low, high) - low
    boxes = corners.reshape(-1, 4)
    areas = _areas(boxes) * (size / (bottom - top)) * (size / (right - left))
    return image[top:bottom, left:right], boxes[areas >= min_area]


# === D. Resize; E. Flip ===


def resize(
    image: np.ndarray, boxes: np.ndarray, rng: np.random.Generator, size: int
) -> Sample:
    """Stretch to `size` x `size` with a random filter. Source: dsfd.md, 9.2 D."""
    height, width = image.shape[:2]
    resample = _RESIZE_FILTERS[rng.integers(len(_RESIZE_FILTERS))]
    if (height, width) == (size, size):
        return image, boxes
    resized = Image.fromarray(image).resize((size, size), resample)
    factors = np.float32([size / height, size / width] * 2)
    return np.asarray(resized), boxes * factors


def flip(image: np.ndarray, boxes: np.ndarray, rng: np.random.Generator) -> Sample:
    """Mirror left and right with probability 1/2. Source: dsfd.md, section 9.2 E."""
    if rng.random() < 0.5:
        return image, boxes
    width = image.shape[1]
    mirrored = np.stack(
        [boxes[:, 0], width - boxes[:, 3], boxes[:, 2], width - boxes[:, 1]], axis=1
    )
    return cv2.flip(image, 1), mirrored
