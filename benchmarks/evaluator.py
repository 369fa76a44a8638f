"""WIDER FACE evaluator against a straightforward loop, in one run.

    python -m benchmarks.evaluator

Both compute the counts of the protocol for the same made-up validation set (as many
faces per image as WIDER FACE has) and must agree on each of them. The loop goes over
images, detections and thresholds as the protocol is worded. Printed: CPU seconds of
each, and the ratio, which should be 40 or more. Half a minute on one core.
"""

import time

import numpy as np
from absl import app

from safefakes_tf.evaluation import ground_truth, wider_face

NUM_IMAGES = 800
MEAN_FACES = 12.3  # 39,708 faces in 3,226 images
FALSE_ALARMS = 20


def make_set(rng):
    """Return a made-up ground truth and detections on it."""
    records, detections = [], []
    for number in range(NUM_IMAGES):
        count = 1 + rng.geometric(1 / MEAN_FACES)
        boxes = random_boxes(rng, count)
        difficulty = rng.uniform(size=count)
        flags = [difficulty < limit for limit in (0.2, 0.35, 0.8)]
        records.append((f"event/{number}.jpg", boxes.astype(np.int32), *flags))
        found = boxes[rng.uniform(size=count) < 0.85]
        found = found + rng.normal(0, 0.08, found.shape) * found[:, 2:3]
        rows = np.concatenate([found, random_boxes(rng, FALSE_ALARMS)])
        scores = np.sort(rng.beta(0.5, 0.5, len(rows)))[::-1]
        detections.append(np.column_stack([rows, scores]))
    predictions = wider_face.Predictions.from_arrays(detections)
    return ground_truth.from_records(records), predictions


def random_boxes(rng, count):
    size = np.exp(rng.uniform(np.log(8), np.log(200), [count, 1]))
    return np.concatenate(
        [rng.uniform(0, 800, [count, 2]), size, size * 1.25], axis=1
    ).round()


# === The loop ===


def loop_counts(truth, predictions):
    """Return the counts of the protocol, int64 [3, 1000, 2], the plain way."""
    low = min(1.0, predictions.scores.min())
    high = max(0.0, predictions.scores.max())
    faces = np.split(truth.boxes.astype(np.float64), truth.starts[1:-1])
    ends = np.cumsum(predictions.num_boxes)[:-1]
    boxes = np.split(predictions.boxes, ends)
    scores = np.split((predictions.scores - low) / (high - low), ends)
    counts = np.zeros([3, 1000, 2], np.int64)
    for split in range(3):
        counting = np.split(truth.counting[split], truth.starts[1:-1])
        for image in range(len(faces)):
            if not len(faces[image]) or not len(boxes[image]):
                continue
            curve = match_image(boxes[image], faces[image], counting[image])
            for t in range(1000):
                reached = np.where(scores[image] >= 1 - (t + 1) / 1000)[0]
                if len(reached):
                    counts[split, t] += curve[reached[-1]]
    return counts


def match_image(boxes, faces, counting):
    """Return proposals and recalled faces after each detection, int64 [P, 2]."""
    curve = np.zeros([len(boxes), 2], np.int64)
    matched = np.zeros(len(faces), bool)
    proposals = 0
    for row, box in enumerate(boxes):
        overlap = overlap_with(box, faces)
        best = overlap.argmax()
        if overlap[best] < 0.5 or counting[best]:
            proposals += 1
        if overlap[best] >= 0.5 and counting[best]:
            matched[best] = True
        curve[row] = proposals, matched.sum()
    return curve


def overlap_with(box, faces):
    """Intersection over union of one box with each face, border pixels included."""
    ends, face_ends = box[:2] + box[2:], faces[:, :2] + faces[:, 2:]
    common = np.minimum(ends, face_ends) - np.maximum(box[:2], faces[:, :2]) + 1
    inter = np.where((common > 0).all(axis=1), common.prod(axis=1), 0)
    area = (ends - box[:2] + 1).prod()
    return inter / (area + (face_ends - faces[:, :2] + 1).prod(axis=1) - inter)


# === Comparison ===


def main(_):
    truth, predictions = make_set(np.random.default_rng(0))
    print(
        f"{len(truth.names)} images, {len(truth.boxes)} faces,"
        f" {len(predictions.scores)} detections"
    )
    start = time.process_time()
    expected = loop_counts(truth, predictions)
    loop_seconds = time.process_time() - start
    start = time.process_time()
    result = wider_face.evaluate(truth, predictions)
    seconds = time.process_time() - start
    np.testing.assert_array_equal(result.counts, expected)
    print("counts are equal; AP", {k: round(v, 4) for k, v in result.ap.items()})
    print(f"loop {loop_seconds:.2f} s, evaluator {seconds:.3f} s of CPU")
    print(f"ratio {loop_seconds / seconds:.0f}")


if __name__ == "__main__":
    app.run(main)
