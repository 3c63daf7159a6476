"""PTB-XL to a trained bundle."""
