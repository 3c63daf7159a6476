"""The prototype network: three branches that compare an ECG with real ones, and their fusion."""
