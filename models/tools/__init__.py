"""What several models use; nothing here is a model."""
