"""Prototypes, what was changed of them, and the real ECGs behind them, carried or fetched."""
