"""Who is at the screen, how they signed in, and what they may see and do."""
