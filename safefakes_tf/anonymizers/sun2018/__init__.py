"""Sun2018, head inpainting: a face from its surroundings and 68 keypoints."""
