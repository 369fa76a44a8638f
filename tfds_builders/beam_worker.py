"""What a worker of Apache Beam runs.

This module imports no TensorFlow, and neither do the elements that workers exchange: a
worker must be told first what TensorFlow is to compute with.
"""

import os
import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import apache_beam as beam
from apache_beam.utils import shared


class Call(beam.DoFn):
    """Calls a method of one object of the process, which all its threads share."""

    def __init__(
        self,
        handle: shared.Shared,
        pickled: bytes,
        environment: Mapping[str, str],
        method: str,
    ):
        """Begin.

        Args:
            handle: to the object; that of all steps of a pipeline.
            pickled: a function that makes the object.
            environment: variables to set before.
            method: of the object: an element -> those to hand on.
        """
        self._handle, self._pickled, self._method = handle, pickled, method
        self._environment = dict(environment)

    def setup(self) -> None:
        """Make the object, unless another step has done so."""
        os.environ.update(self._environment)
        self._object = self._handle.acquire(lambda: pickle.loads(self._pickled)())
        self._call: Callable[[Any], Iterable] = getattr(self._object, self._method)

    def process(self, element: Any) -> Iterator[Any]:
        """Hand on what the method returns for an element."""
        yield from self._call(element)

    def teardown(self) -> None:
        """Free what the object holds."""
        self._object.close()
