"""The sections of Explain below a finding, and what can be taken away of it."""
