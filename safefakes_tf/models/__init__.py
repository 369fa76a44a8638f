"""Networks as functional Keras models."""
