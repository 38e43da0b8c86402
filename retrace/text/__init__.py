"""Text models: hashed tokens, and a ridge regression on them as a column for the boosters."""
