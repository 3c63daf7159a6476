"""ECGs as files of bytes by a standard, as recorders write them."""
