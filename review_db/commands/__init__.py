"""The command line of studies, and what its commands share with all others of this room."""
