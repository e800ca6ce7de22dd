"""How the scheduler behaves; one file a module."""
