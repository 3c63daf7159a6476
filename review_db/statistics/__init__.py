"""Agreement, intervals and the size of a study."""
