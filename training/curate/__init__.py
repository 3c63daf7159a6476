"""Ratings change the model: prototypes retired by a rule, replaced, and what that did."""
