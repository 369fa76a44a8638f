"""Safe Fakes for TensorFlow: anonymize faces, train a face detector on what is left."""

__version__ = "0.12.0"
