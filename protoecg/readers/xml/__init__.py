"""ECGs as XML documents, of which each vendor has its own kind."""
