"""Explains 12-lead ECG findings by their similarity to prototypes, each a real ECG."""

__version__ = "0.1.0"
