"""Explanations of single predictions on regions, words, frames and columns, and how true they are."""
