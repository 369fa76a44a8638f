"""Renders heads of people who do not exist from CC0 meshes."""
