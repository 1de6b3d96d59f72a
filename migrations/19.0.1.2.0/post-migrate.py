def migrate(cr, version):
    """Change the data after the models are loaded: a function for each subject."""
