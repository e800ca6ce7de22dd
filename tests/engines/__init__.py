"""Tests of the modules of `pariter.engines`, and of what a user may rely on whatever the engine."""
