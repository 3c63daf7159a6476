"""Many ECGs to one table: a row each, written as soon as it is known, so that a run can go on."""
