"""The library under load."""
