"""Tokenizers, and features of tokens."""
