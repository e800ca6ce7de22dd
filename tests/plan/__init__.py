"""Tests of the modules of `pariter.plan`, one file each."""
