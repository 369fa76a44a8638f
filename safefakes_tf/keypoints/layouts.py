"""Named keypoint layouts, and how one is read off another.

`ibug68`: the 68 points of the iBUG 300-W annotation, 0-based: outline 0..16 from the
image's left to its right, brows 17..26, nose 27..35, eyes 36..47, lips 48..67.
`deepprivacy7`: nose, left eye, right eye, left ear, right ear, left shoulder, right
shoulder; left and right are the person's. Source: deepprivacy.md, section 4.
`celeba5`: eyes, nose, corners of the mouth; left and right are the image's. Nothing is
read off them.
`found`: what a search for keypoints found, the 68 points of `ibug68` and then the seven
of `deepprivacy7`, each zero where it was not found.
"""

import tensorflow as tf

NUM_KEYPOINTS = {"ibug68": 68, "deepprivacy7": 7}
NUM_FOUND = sum(NUM_KEYPOINTS.values())
FOUND = "found"
CELEBA = "celeba5"
NUM_POINTS = {**NUM_KEYPOINTS, CELEBA: 5, FOUND: NUM_FOUND}  # data sets declare these
READABLE = (*NUM_KEYPOINTS, FOUND)  # those that others are read off
ABSENT = -1.0  # coordinate of a point that is not known

NOSE = 30
LEFT_EYE, RIGHT_EYE = slice(42, 48), slice(36, 42)
LEFT_EAR, RIGHT_EAR = 16, 0  # where the outline ends, in front of the ear

# The mesh of MediaPipe's face landmarker has a vertex at or near each point; see
# docs/ibug68.jpg. Left and right are the image's, as in `ibug68`.
MESH_OF_IBUG68 = (
    *(127, 234, 132, 58, 172, 136, 149, 148, 152),  # outline, spread evenly
    *(377, 378, 365, 397, 288, 361, 454, 356),  # and up again
    *(70, 63, 105, 66, 107),  # brows
    *(336, 296, 334, 293, 300),
    *(168, 197, 5, 4),  # bridge of the nose
    *(75, 97, 2, 326, 305),  # its lower border
    *(33, 160, 158, 133, 153, 144),  # eyes
    *(362, 385, 387, 263, 373, 380),
    *(61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181),  # lips, outside
    *(78, 82, 13, 312, 308, 317, 14, 87),  # and inside
)


def _mirrored(size, *pairs):
    order = list(range(size))
    for first, second in pairs:
        order[first], order[second] = second, first
    return tuple(order)


# Which point lies at a point's place once the picture is mirrored. DeepPrivacy was
# trained without exchanging left and right (deepprivacy.md, section 8).
MIRRORED = {
    "ibug68": _mirrored(
        68,
        *((n, 16 - n) for n in range(8)),
        *((n, 43 - n) for n in range(17, 22)),
        *((31, 35), (32, 34)),
        *((36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)),
        *((48, 54), (49, 53), (50, 52), (55, 59), (56, 58)),
        *((60, 64), (61, 63), (65, 67)),
    ),
    "deepprivacy7": tuple(range(7)),
}


def read(
    keypoints: tf.Tensor,
    has_keypoints: tf.Tensor,
    layout: str,
    source: str | None = None,
) -> tf.Tensor:
    """Return the points of a layout, as far as those of a record tell.

    Args:
        keypoints: float32 [N, K, 2], y x. Of `ibug68` all points are known, or none; of
            `found` those that are not zero.
        has_keypoints: bool [N].
        layout: a key of `NUM_KEYPOINTS`.
        source: layout of `keypoints`, one of `READABLE`. None, as for a SavedModel,
            which gets it from its caller: the one of them that has K points; without
            such, no point is known.

    Returns:
        float32 [N, NUM_KEYPOINTS[layout], 2]; `ABSENT` where a point is not known.
    """
    none = tf.fill([tf.shape(keypoints)[0], NUM_KEYPOINTS[layout], 2], ABSENT)
    points = none
    for name in (source,) if source else READABLE:
        size = NUM_POINTS[name]
        given = tf.pad(keypoints, [[0, 0], [0, size], [0, 0]])[:, :size]
        given = _CONVERSIONS.get((name, layout), lambda _: none)(
            tf.ensure_shape(given, [None, size, 2])
        )
        points = tf.where(tf.shape(keypoints)[1] == size, given, points)
    return tf.where(has_keypoints[:, tf.newaxis, tf.newaxis], points, none)


def _marked(found):
    return tf.where(tf.reduce_all(found == 0, axis=2, keepdims=True), ABSENT, found)


def _seven_of_68(points):
    eyes = [tf.reduce_mean(points[:, eye], axis=1) for eye in (LEFT_EYE, RIGHT_EYE)]
    shoulder = tf.fill(tf.shape(points[:, 0]), ABSENT)
    ears = [points[:, LEFT_EAR], points[:, RIGHT_EAR]]
    return tf.stack([points[:, NOSE], *eyes, *ears, shoulder, shoulder], axis=1)


_CONVERSIONS = {  # (from, to) -> function; of others no point is known
    ("ibug68", "ibug68"): lambda points: points,
    ("ibug68", "deepprivacy7"): _seven_of_68,
    ("deepprivacy7", "deepprivacy7"): lambda points: points,
    (FOUND, "ibug68"): lambda found: _marked(found)[:, : NUM_KEYPOINTS["ibug68"]],
    (FOUND, "deepprivacy7"): lambda found: _marked(found)[:, NUM_KEYPOINTS["ibug68"] :],
}
