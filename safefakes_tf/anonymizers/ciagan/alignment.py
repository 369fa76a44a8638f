"""Aligned crops around the eyes, landmark maps and masks: what CIAGAN sees of a face.

Keypoints are `ibug68` here, int32 x y in whole pixels. A canvas is the crop at the size
of the drawings, a frame the canvas at the size from which a network's patch is cut.

Source: ciagan.md, section 6.
"""

import math

import tensorflow as tf

from safefakes_tf.anonymizers.ciagan import landmark_maps
from safefakes_tf.anonymizers.ciagan.landmark_maps import HEIGHT, OUTLINE, WIDTH
from safefakes_tf.keypoints import layouts
from safefakes_tf.ops import drawing, resampling
from safefakes_tf.ops import regions as region_ops

HALF_HEIGHT = 5  # of a crop, in distances between the inner corners of the eyes
INNER_CORNERS = (39, 42)
FEATURES = range(27, 68)  # nose, eyes and mouth
BROWS = (19, 24)  # whose height closes the outline
FRAME, PATCH = 144, 128  # px, published sides of the frame and the patch in its middle
CLOSEST = 36  # px of such a frame, from its middle to the border of the closest crop
MIN_IOU = 0.3  # of the mask's bounds with the face's box
MIN_COVERED = 0.2  # of the box, by the outline
MIN_COVERED_PROFILE = 0.4  # of the box, by all keypoints of a profile
MIN_FEATURES = 0.9  # of the features, inside the outline of a face that is no profile
FARTHEST = 3.0  # from the photo's corner, in its sides; no face of it lies beyond
JPEG_QUALITY = 75
COVERED = 51  # 255ths; a pixel of a patch is masked if more of it is covered

_ANGLES = [2 * math.pi * n / (len(OUTLINE) + 2) for n in range(len(OUTLINE) + 2)]


def to_pixels(keypoints: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Return the pixels in which keypoints lie, int32 [N, 68, 2], x y.

    Args:
        keypoints: float32 [N, 68, 2], y x, relative to the photo.
        size: int32 [2], height and width of the photo, px.
    """
    pixels = tf.floor(keypoints * tf.cast(size, tf.float32) + region_ops.EDGE_TOLERANCE)
    return tf.cast(pixels, tf.int32)[..., ::-1]


def usable(keypoints: tf.Tensor, boxes: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Return bool [N], whether a face can be cut out, and its mask covers it.

    Keypoints that lie elsewhere, or on a part of the face, would leave it visible.

    Args:
        keypoints: float32 [N, 68, 2], as of `layouts.read`.
        boxes: float32 [N, 4], yxyx, relative: of the same faces.
        size: int32 [2], height and width of the photo, px.
    """
    near = tf.reduce_all(tf.abs(keypoints) <= FARTHEST, axis=[1, 2])  # and so finite
    known = tf.reduce_all(keypoints != layouts.ABSENT, axis=[1, 2])
    safe = tf.where(near[:, tf.newaxis, tf.newaxis], keypoints, 0.0)
    points = to_pixels(safe, size)
    crop = crops(points)
    not_empty = tf.reduce_all(crop[:, 2:] > crop[:, :2], axis=1)
    profile = is_profile(points)
    outlines = tf.cast(mask_polygons(points, profile), tf.float32)
    pixels = boxes * tf.cast(tf.tile(size, [2]), tf.float32)
    face = (pixels[:, 2] - pixels[:, 0]) * (pixels[:, 3] - pixels[:, 1])
    share = tf.where(profile, MIN_COVERED_PROFILE, MIN_COVERED)
    covers = _area(outlines) >= share * face
    return known & near & not_empty & covers & (_overlap(outlines, pixels) >= MIN_IOU)


def _inside(points, outlines):
    """Return bool [N, K], which points a polygon holds: rays cross it an odd time."""
    x, y = tf.unstack(points[:, :, tf.newaxis], axis=3)
    start_x, start_y = tf.unstack(outlines[:, tf.newaxis], axis=3)
    end_x, end_y = tf.unstack(tf.roll(outlines, -1, axis=1)[:, tf.newaxis], axis=3)
    slope = tf.math.divide_no_nan(end_x - start_x, end_y - start_y)
    crossed = ((start_y > y) != (end_y > y)) & (x < start_x + slope * (y - start_y))
    return tf.reduce_sum(tf.cast(crossed, tf.int32), axis=2) % 2 == 1


def _area(outlines):
    """Return the areas of polygons, by the shoelace formula."""
    ends = tf.roll(outlines, -1, axis=1)
    crossed = outlines[..., 0] * ends[..., 1] - outlines[..., 1] * ends[..., 0]
    return tf.abs(tf.reduce_sum(crossed, axis=1)) / 2


def _overlap(outlines, boxes):
    """Return the IoU of the outlines' bounds with boxes, yxyx."""
    near = tf.reduce_min(outlines, axis=1)[:, ::-1]
    far = tf.reduce_max(outlines, axis=1)[:, ::-1]
    common = tf.minimum(far, boxes[:, 2:]) - tf.maximum(near, boxes[:, :2])
    common = tf.reduce_prod(tf.maximum(common, 0.0), axis=1)
    both = tf.reduce_prod(far - near, 1) + tf.reduce_prod(
        boxes[:, 2:] - boxes[:, :2], 1
    )
    return tf.math.divide_no_nan(common, both - common)


def crops(points: tf.Tensor) -> tf.Tensor:
    """Return the crop around each face.

    Args:
        points: int32 [N, 68, 2], x y in pixels.

    Returns:
        int32 [N, 4], top, left, bottom, right in pixels; may reach outside the photo,
        and is empty where the eyes lie too close to each other or in the wrong order.
    """
    right_eye, left_eye = (points[:, corner] for corner in INNER_CORNERS)
    gap = tf.maximum(left_eye[:, 0] - right_eye[:, 0], 0)
    half_height = HALF_HEIGHT * gap
    half_width = half_height * WIDTH // HEIGHT
    half = tf.stack([half_height, half_width], axis=1)
    centre = ((left_eye + right_eye) // 2)[:, ::-1]
    return tf.concat([centre - half, centre + half], axis=1)


def on_canvas(points: tf.Tensor, crop: tf.Tensor) -> tf.Tensor:
    """Return where points lie on the canvas of a crop.

    Args:
        points: int32 [N, 68, 2], x y in pixels of the photo.
        crop: int32 [N, 4], not empty.

    Returns:
        int32 [N, 68, 2].
    """
    corner, size = crop[:, tf.newaxis, :2], (crop[:, 2:] - crop[:, :2])[:, tf.newaxis]
    # The ratio first: the order decides about an occasional pixel.
    ratio = tf.constant([HEIGHT, WIDTH], tf.float64) / tf.cast(size, tf.float64)
    places = tf.cast(points[..., ::-1] - corner, tf.float64) * ratio
    return tf.cast(places, tf.int32)[..., ::-1]  # towards zero


def outline(points: tf.Tensor) -> tf.Tensor:
    """Return the corners of the published outline of each face, int32 [N, 19, 2].

    Args:
        points: int32 [N, 68, 2], x y in pixels.
    """
    first, last = OUTLINE[0], OUTLINE[-1]
    closing = [
        tf.stack([points[:, side, 0], points[:, brow, 1]], axis=1)[:, tf.newaxis]
        for side, brow in zip((first, last), BROWS, strict=True)
    ]
    return tf.concat([closing[0], points[:, first : last + 1], closing[1]], axis=1)


def is_profile(points: tf.Tensor) -> tf.Tensor:
    """Return bool [N], whether the outline leaves features out, as in a profile.

    Args:
        points: int32 [N, 68, 2], x y in pixels.
    """
    features = tf.gather(tf.cast(points, tf.float32), FEATURES, axis=1)
    inside = _inside(features, tf.cast(outline(points), tf.float32))
    return tf.reduce_mean(tf.cast(inside, tf.float32), axis=1) < MIN_FEATURES


def mask_polygons(points: tf.Tensor, profile: tf.Tensor) -> tf.Tensor:
    """Return the corners of the polygon that masks each face, int32 [N, 19, 2].

    It is the outline, but for a profile one around all keypoints: the published
    code leaves eyes, nose or mouth of a profile visible.

    Args:
        points: int32 [N, 68, 2], x y in pixels.
        profile: bool [N], as of `is_profile`.
    """
    surrounding = _around(points)
    return tf.where(profile[:, tf.newaxis, tf.newaxis], surrounding, outline(points))


def _around(points):
    """Return polygons around points: where lines meet that touch them on all sides."""
    ways = tf.constant([[math.cos(a), math.sin(a)] for a in _ANGLES], tf.float32)
    reach = tf.reduce_max(tf.cast(points, tf.float32) @ tf.transpose(ways), axis=1) + 1
    next_way, next_reach = tf.roll(ways, -1, axis=0), tf.roll(reach, -1, axis=1)
    x = reach * next_way[:, 1] - next_reach * ways[:, 1]
    y = next_reach * ways[:, 0] - reach * next_way[:, 0]
    corners = tf.stack([x, y], axis=2) / math.sin(_ANGLES[1])
    return tf.cast(tf.round(corners), tf.int32)


def bounds(outlines: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Return the parts of the photo that hold outlines.

    Args:
        outlines: int32 [N, 19, 2], x y in pixels.
        size: int32 [2], height and width of the photo, px.

    Returns:
        int32 [N, 4], top, left, bottom, right in pixels, far edges excluded.
    """
    near, far = tf.reduce_min(outlines, axis=1), tf.reduce_max(outlines, axis=1) + 1
    box = tf.concat([near[:, ::-1], far[:, ::-1]], axis=1)
    return tf.clip_by_value(box, 0, tf.tile(size, [2]))


def mask_outlines(image: tf.Tensor, outlines: tf.Tensor) -> tf.Tensor:
    """Set outlines, and their edges, to zero.

    Args:
        image: uint8 [H, W, 3].
        outlines: int32 [N, 19, 2], x y in pixels; may reach outside the photo.

    Returns:
        uint8 [H, W, 3].
    """
    regions = bounds(outlines, tf.shape(image)[:2])

    def mask_one(patch, index):
        inside = inside_of(outlines[index], regions[index])
        return tf.where(inside[..., tf.newaxis], tf.constant(0, tf.uint8), patch)

    return region_ops.edit_regions(image, regions, mask_one)


def inside_of(outline_of_one: tf.Tensor, region: tf.Tensor) -> tf.Tensor:
    """Return bool [h, w], which pixels of a region an outline covers.

    Args:
        outline_of_one: int32 [19, 2], x y in pixels.
        region: int32 [4], top, left, bottom, right in pixels.
    """
    top, left, bottom, right = tf.unstack(region)
    local = outline_of_one - tf.stack([left, top])
    return drawing.polygon_mask(local, bottom - top, right - left)


def frames(
    image: tf.Tensor,
    points: tf.Tensor,
    profile: tf.Tensor,
    crop: tf.Tensor,
    side: int,
    jpeg: bool,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return the frame of a face, of its landmark map, and of its mask.

    Args:
        image: uint8 [H, W, 3], a photo.
        points: int32 [68, 2], x y in pixels of the photo.
        profile: bool scalar, as of `is_profile`.
        crop: int32 [4], not empty, see `crops`.
        side: of the frames, px.
        jpeg: whether the landmark map goes through a JPEG file, as the published one
            did, which blurs its lines.

    Returns:
        uint8 [side, side, 3] twice, and uint8 [side, side, 1], 255 where it is masked.
    """
    polygon = mask_polygons(points[tf.newaxis], profile[tf.newaxis])
    corners, places = (
        on_canvas(part, crop[tf.newaxis])[0] for part in (polygon, points[tf.newaxis])
    )
    masked = drawing.polygon_mask(corners, HEIGHT, WIDTH)
    drawn = landmark_maps.draw(places)
    if jpeg:
        drawn = tf.io.decode_jpeg(tf.io.encode_jpeg(drawn, quality=JPEG_QUALITY))
    canvases = (
        resampling.cut_cubic(image, crop, HEIGHT, WIDTH),
        drawn,
        tf.cast(masked, tf.uint8)[..., tf.newaxis] * 255,
    )
    return tuple(resampling.lanczos(canvas, side) for canvas in canvases)


def frame_side(patch_side: int) -> int:
    """Return the side of the frame that patches of a side are cut from, px."""
    return patch_side * FRAME // PATCH


def random_crop(frame: tf.Tensor, draw: tf.Tensor, extent: int) -> tf.Tensor:
    """Cut a random part out of the middle of frames, for training.

    Args:
        frame: uint8 [side, side, C].
        draw: float32 [4] in 0..1; how far it reaches left, up, right and down.
        extent: of each, in pixels of a frame of 144, beyond a quarter of the side; at
            most a quarter of it, 36.

    Returns:
        uint8 [h, w, C].
    """
    side = frame.shape[0]
    reach = (CLOSEST + extent * draw) * side / FRAME
    left, top = tf.unstack(tf.cast(side / 2 - reach[:2], tf.int32))
    right, bottom = tf.unstack(tf.cast(side / 2 + reach[2:], tf.int32))
    return frame[top:bottom, left:right]


def to_patch(part: tf.Tensor, side: int) -> tf.Tensor:
    """Resize a part of frames to a patch, uint8 [side, side, C].

    Args:
        part: uint8 [h, w, C].
        side: of the patch, px.
    """
    return tf.ensure_shape(resampling.lanczos(part, side), [side, side, part.shape[-1]])


def to_shares(pixels: tf.Tensor) -> tf.Tensor:
    """Turn uint8 0..255 into float32 0..1.

    By a product: TensorFlow turns a division into one in some graphs and not in others,
    and a network makes that last digit visible.
    """
    return tf.cast(pixels, tf.float32) * (1 / 255)


def to_mask(covered: tf.Tensor) -> tf.Tensor:
    """Return float32, one where a pixel is masked, for uint8 shares in 255ths."""
    return tf.cast(covered > COVERED, tf.float32)


def fill_holes(image: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Fill what a mask leaves out with the colours nearby.

    Each such pixel takes the mean over the smallest of the blocks of 4, 10, 22...
    pixels around it that holds any of the mask. Blocks overlap: a pixel beside the mask
    takes the colour there.

    Args:
        image: float32 [N, S, S, C]; S is a power of two.
        mask: float32 [N, S, S, 1], one where the image counts, else zero.

    Returns:
        float32 [N, S, S, C], zero where the mask is empty.
    """
    if image.shape[1] == 1:
        return image * mask
    share = tf.nn.avg_pool2d(mask, 4, 2, "SAME")
    means = tf.math.divide_no_nan(tf.nn.avg_pool2d(image * mask, 4, 2, "SAME"), share)
    nearby = fill_holes(means, tf.cast(share > 0, tf.float32))
    nearby = tf.repeat(tf.repeat(nearby, 2, axis=1), 2, axis=2)
    return tf.where(mask > 0, image, nearby)
