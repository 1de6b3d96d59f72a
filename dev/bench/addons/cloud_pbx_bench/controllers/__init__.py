from . import bare, history
