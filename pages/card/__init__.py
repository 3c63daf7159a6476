"""The parts of the model card."""
