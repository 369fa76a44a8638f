"""Which photos a data set holds, and the name that follows from it."""

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import tensorflow_datasets as tfds

from safefakes_tf.anonymizers import generator_files
from safefakes_tf.config import (
    AnonymizationConfig,
    CelebaConfig,
    CrowdConfig,
    FdfConfig,
    OwnFacesConfig,
    PipaConfig,
    bundled,
    names,
)

SOURCE = "source"
# Generators that draw nothing at random, so that one data set serves all seeds.
_SEEDLESS = ("sun2018", "deepprivacy")
_SOURCE_OPTIONS = ("crowd", "allow_partial")
_PARTS = ("pipa", "fdf", "celeba")  # of one data set each; they have a `label`
_DERIVED_OPTIONS = ("anonymization", "image_format", "jpeg_quality", "seed")
# The groups of options as they were in version 0.4.0, whose names hash all of them.
_FIELDS_OF_0_4_0 = {
    "crowd": (
        *("num_train", "num_validation", "width", "height"),
        *("min_face", "max_face", "max_people", "seed"),
    ),
    "anonymization": (
        *("min_width", "blur_kernel", "fullblur_kernel", "pixelate_cells"),
        *("weights", "hide_neighbours", "paste"),
    ),
}


@dataclasses.dataclass(eq=False, kw_only=True)
class AnonymizedConfig(tfds.core.BuilderConfig):
    """Which photos a data set holds, and how they were made.

    The name follows from the other fields: the anonymizer's, with the first eight hex
    digits of the SHA-256 of the generator's weights, if it has some, and then those of
    the options that differ from their defaults, if any do. Which part of a data set it
    is comes between them, in words, as in `blur-64px`. So photos made in two ways
    never share a folder, and an option that is new renames none.

    Attributes:
        name: not to be given, but for the folder of an older version.
        anonymizer: `source` or one of `names.ANONYMIZERS`.
        anonymization, image_format, jpeg_quality: of derived photos.
        crowd: what `synthetic_crowd` composes.
        own_faces: how that data set takes a folder.
        pipa, fdf, celeba: which part of that data set.
        allow_partial: accept fewer photos than the annotations list.
        seed: of the run; enters where an anonymizer draws random numbers.
    """

    name: str = ""
    anonymizer: str = SOURCE
    anonymization: AnonymizationConfig = AnonymizationConfig()
    crowd: CrowdConfig = CrowdConfig()
    own_faces: OwnFacesConfig = OwnFacesConfig()
    pipa: PipaConfig = PipaConfig()
    fdf: FdfConfig = FdfConfig()
    celeba: CelebaConfig = CelebaConfig()
    image_format: str = "jpeg"
    jpeg_quality: int = 95
    allow_partial: bool = False
    seed: int = 0

    def __post_init__(self):
        # Once: the file may be replaced, and then the name must not follow.
        self._weights_sha256 = self._digest_of_weights()
        if self.anonymizer in (SOURCE, *names.filters(), *_SEEDLESS):
            self.seed = 0
        self.name = self.name or self._with_digest(self._changed())
        self.description = (
            "The photos as they are."
            if self.anonymizer == SOURCE
            else f"Every photo decoded, anonymized by `{self.anonymizer}`, encoded."
        )

    def options(self) -> dict[str, Any]:
        """Return what the photos depend on, beside the raw data and the anonymizer."""
        derived = self.anonymizer != SOURCE
        chosen = _SOURCE_OPTIONS + (_DERIVED_OPTIONS if derived else ())
        chosen += tuple(part for part in _PARTS if getattr(self, part).label)
        options = {name: getattr(self, name) for name in chosen}
        if self.own_faces != OwnFacesConfig():  # no other data set has it
            options["own_faces"] = self.own_faces.without_folders()
        if derived:  # what the weights are counts, not where they lie
            options["anonymization"] = dataclasses.replace(
                self.anonymization, weights=None
            )
        return options

    def weights_sha256(self) -> str | None:
        """Return the SHA-256 of the generator's file; None if there is no generator."""
        return self._weights_sha256

    def _digest_of_weights(self):
        if names.network(self.anonymizer) is None:
            return None
        path = bundled.find_weights(self.anonymization.weights, self.anonymizer)
        return generator_files.sha256(path)

    def source(self) -> "AnonymizedConfig":
        """Return the config of the photos that these are made from."""
        return dataclasses.replace(self, anonymizer=SOURCE, name="")

    def name_in_0_4_0(self) -> str | None:
        """Return the name that version 0.4.0 gave; None if it had not these options."""
        options = self.options()
        if not options.keys().isdisjoint(_PARTS):
            return None
        known = options.keys() - _FIELDS_OF_0_4_0.keys()
        for group, fields in _FIELDS_OF_0_4_0.items():
            known |= {f"{group}.{field}" for field in fields}
            if group in options:
                values = {field: getattr(options[group], field) for field in fields}
                options[group] = values
        changed = self._changed()
        return (
            self._with_digest(changed and options) if changed.keys() <= known else None
        )

    def _changed(self):
        """Return the options that differ from their defaults, by their paths."""
        defaults = {field.name: field.default for field in dataclasses.fields(self)}
        changed = {
            path: value
            for name, option in self.options().items()
            if name not in _PARTS
            for path, value in _differences(name, option, defaults[name])
        }
        return dict(sorted(changed.items()))

    def _with_digest(self, options):
        labels = (getattr(self, part).label for part in _PARTS)
        name = "-".join([self.anonymizer, *filter(None, labels)])
        weights = self.weights_sha256()
        if weights:
            name += f"-{weights[:8]}"
        if options:
            text = json.dumps(options)
            name += f"-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
        return name


def standard_configs(**parts: list[Any]) -> list[AnonymizedConfig]:
    """Return the `BUILDER_CONFIGS`: all that need no weights, `source` first.

    Args:
        **parts: options of one data set, those that a user may want by name; they are
            listed untouched.
    """
    filtered = [AnonymizedConfig(anonymizer=name) for name in names.filters()]
    named = [
        AnonymizedConfig(**{option: value})
        for option, values in parts.items()
        for value in values
    ]
    return [AnonymizedConfig(), *filtered, *named]


def _differences(path, value, default) -> Iterator[tuple[str, Any]]:
    """Yield path and value of what is not as in `default`."""
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            parts = getattr(value, field.name), getattr(default, field.name)
            yield from _differences(f"{path}.{field.name}", *parts)
    elif value != default:
        # 32 and 32.0 are one value, and have one name.
        yield path, value if default is None else type(default)(value)
