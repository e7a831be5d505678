"""Networks: encoders, message passing, readouts, fusion, and the whole model."""
