"""The printed page of an explained ECG, as PDF and PNG."""
