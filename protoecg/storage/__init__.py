"""How files are kept, where they lie, and cells that are safe to open."""
