"""Networks without the layers that are like others: these only take long to trace.

Networks in full are those of `tests/golden`, and of the tests of each network.
"""

import keras

from safefakes_tf.anonymizers.ciagan import network as ciagan
from safefakes_tf.anonymizers.sun2018 import network as sun2018
from safefakes_tf.detectors.dsfd import network as dsfd
from safefakes_tf.detectors.dsfd import vgg16

# Of 64 px, the maps of one are larger than the dilation, those of the other smaller.
ENHANCED_LEVELS = (2, 4)

_enhance = dsfd._enhance


def _enhance_some(x, number):
    if number in ENHANCED_LEVELS:
        return _enhance(x, number)
    return keras.layers.ReLU(name=f"enhanced_{number}")(x)


# Module, name and value of what makes them shallow.
DETECTOR = (
    (vgg16, "STAGES", tuple(stage[:1] for stage in vgg16.STAGES)),
    (dsfd, "_enhance", _enhance_some),
)
GENERATORS = (
    (ciagan, "RESIDUAL_BLOCKS", 1),
    (ciagan, "RESOLUTIONS", (8, *ciagan.RESOLUTIONS)),
    (ciagan, "IDENTITY_STAGES", ciagan.IDENTITY_STAGES[:2]),
    (sun2018, "LEVELS", 2),
)
