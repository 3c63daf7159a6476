"""The parts of Curate: the rule, its proposals, candidates, and the new bundle."""
