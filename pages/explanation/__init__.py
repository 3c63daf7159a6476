"""The start page and the sections of Explain, and what can be taken away of an ECG."""
