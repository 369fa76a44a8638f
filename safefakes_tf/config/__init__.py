"""Settings of a run: names, frozen dataclasses, overrides and their storage.

Nothing here imports TensorFlow, so a typing mistake is answered at once.
"""

from safefakes_tf.config.bundled import (
    WEIGHTS,
    with_anonymizer,
    with_bundled_weights,
)
from safefakes_tf.config.data import (
    AnonymizationConfig,
    CelebaConfig,
    CrowdConfig,
    DataConfig,
    FdfConfig,
    OwnFacesConfig,
    PipaConfig,
)
from safefakes_tf.config.detector import (
    AugmentationConfig,
    DetectionConfig,
    DetectorConfig,
    InferenceConfig,
    LossConfig,
    OptimizerConfig,
)
from safefakes_tf.config.fields import differences, validate
from safefakes_tf.config.generators import (
    CiaganConfig,
    DeepPrivacyConfig,
    GanConfig,
    Sun2018Config,
)
from safefakes_tf.config.loop import LoopConfig
from safefakes_tf.config.modes import (
    MODES,
    Anonymize,
    BuildDataset,
    Correlate,
    Evaluate,
    EvaluatePredictions,
    Export,
    ImportWeights,
    Preview,
    Similarity,
    Study,
    TrainAnonymizer,
    TrainDetector,
    adapt,
)
from safefakes_tf.config.overrides import apply_overrides
