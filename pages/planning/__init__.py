"""Reader studies, as a coordinator plans, starts and watches them."""
