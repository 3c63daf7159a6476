"""Around every page: navigation, sign-in, the chosen model, the database, shared wording."""
