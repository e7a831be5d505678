"""Nearest training rows: how alike rows are, which are nearest, and what their targets say."""
