from . import (
    pbx_history,
    reader,
    pbx_history_write,
)
