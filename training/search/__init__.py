"""Runs compared: the search for settings, and what each rule of the method costs."""
