"""Keypoints of faces: where the model files that find them lie."""
