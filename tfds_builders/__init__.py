"""TFDS builders of face photos, and of the same photos anonymized."""
