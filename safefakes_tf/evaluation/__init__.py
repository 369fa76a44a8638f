"""Detection on validation photos, WIDER FACE average precision, and its plots."""
