"""Forms made from the signatures of recipes."""
