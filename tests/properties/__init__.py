"""Each method of the vocabulary against what `itertools` and the builtins give."""
