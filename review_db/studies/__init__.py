"""A study from its design to its start: items, each reviewer's order, keys and accounts."""
