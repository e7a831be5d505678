"""Explanations of single predictions, on regions and words, and how true they are."""
