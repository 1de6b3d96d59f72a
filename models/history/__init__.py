from . import pbx_history, pbx_replay, reader
