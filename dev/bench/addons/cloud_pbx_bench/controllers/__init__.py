from . import bare, history, leads, people, row
