from . import pbx_history, reader
