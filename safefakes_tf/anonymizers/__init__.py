"""Anonymizers: photo and faces in, photo without those faces out."""
