def migrate(cr, version):
    """Change the database before the models are loaded: a function for each subject."""
