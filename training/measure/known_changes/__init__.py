"""Known changes put into normal ECGs: whether a bundle names them, and where it points."""
