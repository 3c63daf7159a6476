"""What reviewers found, on Results."""
