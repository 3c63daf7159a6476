"""What reviewers are asked, and what exported columns hold."""
