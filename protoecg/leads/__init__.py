"""Leads: what they are called, and which belong together."""
