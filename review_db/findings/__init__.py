"""What a study found, and its export with the methods paragraph."""
