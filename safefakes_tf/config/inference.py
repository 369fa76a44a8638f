"""Detection on whole photos, and its evaluation."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class InferenceConfig:
    """Detection on whole photos. Source: dsfd.md, section 11."""

    multi_scale: bool = True  # four or more passes and box voting, else one pass
    scale: float = 1.0  # resize factor of the one pass when multi_scale is off
    score_threshold: float = 0.05  # detections below are dropped
    nms_iou: float = 0.3  # overlap from which the weaker detection is dropped
    max_candidates: int = 5000  # before that
    max_detections: int = 750  # after it
    ap_arithmetic: str = "python"  # or "matlab" (wider_eval.md, section 6)


@dataclasses.dataclass(frozen=True)
class ApConfig:
    """The part of `InferenceConfig` that matters for stored predictions."""

    ap_arithmetic: str = "python"  # or "matlab" (wider_eval.md, section 6)
