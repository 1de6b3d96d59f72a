from . import bare, history, office
