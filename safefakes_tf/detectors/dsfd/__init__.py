"""DSFD, the dual shot face detector, on VGG-16."""
