"""Length and rhythm of a training."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class LoopConfig:
    """Length and rhythm of a training run."""

    total_steps: int = 60_000  # of a detector; a generator counts images
    global_batch_size: int = 4  # over all devices
    log_every: int = 50  # steps
    checkpoint_every: int = 5_000  # steps
    image_summary_every: int = 5_000  # steps
    mixed_precision: str = "float32"  # or "mixed_bfloat16", "mixed_float16"
