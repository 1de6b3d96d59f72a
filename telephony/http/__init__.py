"""HTTP for every dialect: asking, bounded and masked, and reading what is posted."""
