"""Image operations, as TensorFlow ops."""
