"""Tests of the modules of `pariter.fluent`."""
