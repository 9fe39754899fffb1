"""Forms made from what a callable says about its parameters."""
