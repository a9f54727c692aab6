"""Pack what a unit runs into one signed archive, and make the keys that sign it. What a unit does with it: edge.release."""
