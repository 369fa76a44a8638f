"""Making TFDS' builders without its warnings."""

import contextlib
from collections.abc import Iterator

from absl import logging


@contextlib.contextmanager
def making_builders() -> Iterator[None]:
    """Keep TFDS from warning of a config that is not listed, with a dump of it."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
