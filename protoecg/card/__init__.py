"""What was measured of a bundle: the file beside it, and its tables."""
