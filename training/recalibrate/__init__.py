"""A bundle's scales and thresholds set anew by the ECGs of another hospital."""
