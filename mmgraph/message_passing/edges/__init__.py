"""The edges of a relation, in the forms that operators work with."""
