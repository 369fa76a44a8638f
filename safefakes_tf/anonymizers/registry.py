"""Anonymizers by name. The home of each defines it and is imported when asked for."""

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from safefakes_tf.anonymizers.base import Anonymizer
from safefakes_tf.anonymizers.stored_crops import Cutter
from safefakes_tf.config import AnonymizationConfig, names, values


class Stage(NamedTuple):
    """A part of the training of a generator.

    Attributes:
        resolution: side of the patches, px.
        examples: elements of batches that are shown in it.
        fade_examples: over so many of them the resolution is faded in.
    """

    resolution: int
    examples: int
    fade_examples: int = 0


class Method(NamedTuple):
    """What the home of an anonymizer tells of it; all but the class is of generators.

    Attributes:
        anonymizer: the class.
        build_generator: settings of the network -> its generator.
        stages: settings of a training -> its stages.
        batches: settings of a training, records with keypoints, stage, seed -> function
            from a position on to an endless data set of `batches.Positioned`.
        trainer: settings of a training, data set, stage, trainer of the stage before or
            None -> `loop.Trainer` with `final_generator()`, which returns the settings
            of a network and the generator that they build; called under the scope of a
            strategy.
        cutter: settings of a training -> `stored_crops.Cutter` of its faces; None: they
            cannot be stored.
        stored_batches: as `batches`, from `stored_crops.StoredCrops` in place of
            records.
        needs_identities: whether the records must tell of whom a face is.
        importer: module that knows the published checkpoints, see
            `importers.checkpoints`.
    """

    anonymizer: type[Anonymizer]
    build_generator: Callable[[Any], keras.Model] | None = None
    stages: Callable[[Any], list[Stage]] | None = None
    batches: Callable[..., Callable[[int], tf.data.Dataset]] | None = None
    trainer: Callable | None = None
    cutter: Callable[[Any], Cutter] | None = None
    stored_batches: Callable[..., Callable[[int], tf.data.Dataset]] | None = None
    needs_identities: bool = False
    importer: ModuleType | None = None


def method(name: str) -> Method:
    """Return what the home of an anonymizer tells of it.

    Raises:
        ValueError: if there is no anonymizer of that name.
    """
    values.check_choice("anonymizer", name, names.anonymizers())
    return importlib.import_module(names.ANONYMIZERS[name].module).METHODS[name]


def create(
    name: str, config: AnonymizationConfig, seed: int, source_layout: str | None = None
) -> Anonymizer:
    """Return the anonymizer of a name.

    Args:
        name: a key of `names.ANONYMIZERS`.
        config: policy, filters, and the weights of those that need them.
        seed: of the run; the seed of a face is a hash of it, the photo's file name
            and the index of the face.
        source_layout: of the keypoints that it will be given, see `layouts.read`.

    Raises:
        ValueError: if there is no such anonymizer, or an option is out of its range.
    """
    anonymizer = method(name).anonymizer(config, seed)
    anonymizer.source_layout = source_layout
    return anonymizer
