"""A small gallery that shows production's pictures without a copy of them."""
