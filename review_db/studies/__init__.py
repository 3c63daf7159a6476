"""A study from its design to its end: items, reviewers' orders, keys, accounts, who leaves."""
