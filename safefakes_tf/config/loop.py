"""Length and rhythm of a training."""

import dataclasses
from typing import Literal

from safefakes_tf.config.values import Count


@dataclasses.dataclass(frozen=True)
class LoopConfig:
    """Length and rhythm of a training run."""

    total_steps: Count = 60_000  # of a detector; a generator counts images
    global_batch_size: Count = 4  # over all devices
    log_every: Count = 50  # steps
    checkpoint_every: Count = 5_000  # steps
    image_summary_every: Count = 5_000  # steps
    # Steps that one call of the graph takes; a call takes as long to start as a small
    # detector's step takes to be read and written.
    steps_per_call: Count = 5
    # XLA compiles a step; auto: on one GPU.
    xla: Literal["auto", "on", "off"] = "auto"
    # auto: mixed_bfloat16 where the GPU or processor has units for it, else float32.
    mixed_precision: Literal["float32", "mixed_bfloat16", "mixed_float16", "auto"] = (
        "float32"
    )
