"""A reviewer's session in a study: the seat, the items, the questions and the answers."""
