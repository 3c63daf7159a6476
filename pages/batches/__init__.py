"""Archives of ECGs explained in the background, and their table."""
