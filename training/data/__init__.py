"""Data sets: read, downloaded or simulated."""
