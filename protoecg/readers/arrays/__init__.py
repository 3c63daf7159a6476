"""ECGs as arrays of numbers, in the files of programs that compute with them."""
