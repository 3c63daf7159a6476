"""Evidence seen again: against an earlier ECG, without some prototypes, beside nearest ECGs."""
