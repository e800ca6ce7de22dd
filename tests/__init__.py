"""The tests, a package so that worker processes import its modules by the same names."""
