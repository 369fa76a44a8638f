"""Length and rhythm of a training."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class LoopConfig:
    """Length and rhythm of a training run."""

    total_steps: int = 60_000
    global_batch_size: int = 4
    log_every: int = 50
    checkpoint_every: int = 5_000
    image_summary_every: int = 5_000
    mixed_precision: str = "float32"  # or "mixed_bfloat16", "mixed_float16"
