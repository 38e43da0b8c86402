"""Watches what is served: reads the store and the models' own files, tells people in time."""
