"""ECGs as tables of text, whatever parts their cells."""
