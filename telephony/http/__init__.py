"""Asking over HTTP, for every dialect: bounded, masked, never followed elsewhere."""
