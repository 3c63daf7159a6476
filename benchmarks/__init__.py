"""Speed, measured against a plain build of the published networks in the same run."""
