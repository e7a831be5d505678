"""What a practitioner writes on frozen features, which every method has to beat."""
