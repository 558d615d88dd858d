"""What the tool knows about itself: who works, what ran, what was proven."""
