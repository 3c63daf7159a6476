"""What measurements say of a finding: what they add to it, and where they contradict it."""
