"""Prototypes and the real ECGs behind them."""
