"""Around every page: navigation, style, the chosen model, the database, shared wording."""
