"""Measurements that anyone can repeat: `make bench` writes RESULTS.md."""
