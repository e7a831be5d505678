"""The linear model on pooled features of all modalities."""
