"""Upstream parameter names and layouts, translated into the models of this package."""
