"""Settings of a run: names, frozen dataclasses, overrides and their storage.

Nothing here imports TensorFlow, so a typing mistake is answered at once.
"""

from safefakes_tf.config import names as _names
from safefakes_tf.config.data import (
    DEMONSTRATION,
    AnonymizationConfig,
    CrowdConfig,
    DataConfig,
    with_anonymizer,
    with_demonstration_weights,
)
from safefakes_tf.config.detector import (
    AugmentationConfig,
    DetectorConfig,
    LossConfig,
    OptimizerConfig,
)
from safefakes_tf.config.fields import differences, flatten, validate
from safefakes_tf.config.generators import (
    CiaganConfig,
    DeepPrivacyConfig,
    GanConfig,
    Sun2018Config,
)
from safefakes_tf.config.inference import InferenceConfig
from safefakes_tf.config.loop import LoopConfig
from safefakes_tf.config.modes import (
    MODES,
    Anonymize,
    BuildDataset,
    Evaluate,
    EvaluatePredictions,
    Export,
    ImportWeights,
    Preview,
    Study,
    TrainAnonymizer,
    TrainDetector,
    adapt,
)
from safefakes_tf.config.names import check_choice

# Until everything reads the tables and the settings of its mode.
from safefakes_tf.config.overrides import RENAMED, apply_overrides
from safefakes_tf.config.store import _Version1 as Config

FILTER_NAMES, GENERATOR_NAMES = _names.filters(), _names.generators()
IMPORTED_NAMES, ANONYMIZER_NAMES = _names.imported(), _names.anonymizers()
DATASET_NAMES = tuple(_names.DATASETS)


def claim_workdir(config, folder):
    from safefakes_tf import workdir

    workdir.claim(config, folder)


def from_json(text):
    from safefakes_tf.config import store

    return store.parse(text, "config.json", "study")
