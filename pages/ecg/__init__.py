"""An ECG on a page: picked, drawn, measured, and warned about."""
