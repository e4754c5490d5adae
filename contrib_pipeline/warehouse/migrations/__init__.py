"""Numbered SQL files; ``migrate`` applies them."""
