"""A reviewer at work in a study: stages of an item, answers and progress."""
