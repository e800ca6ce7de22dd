"""The laws that hold for every class of a kind, and the law that holds for every engine."""
