"""CIAGAN: a face from a landmark map, as another person."""
