"""DeepPrivacy: a face from its surroundings and seven keypoints."""
