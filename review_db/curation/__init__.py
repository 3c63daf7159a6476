"""Which prototypes the ratings speak against, by a rule that was stated beforehand."""
