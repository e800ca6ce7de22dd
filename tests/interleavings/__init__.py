"""The scheduler under a seeded scheduler of its own: see seeded.py."""
