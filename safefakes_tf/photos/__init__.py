"""Photo files and the files that annotate them."""
