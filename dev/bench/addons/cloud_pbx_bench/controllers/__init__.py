from . import bare, history, people
