"""The Zadarma dialect. Nothing is imported here: each module stands alone."""
