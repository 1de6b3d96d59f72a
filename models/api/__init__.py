from . import (
    client,
    pbx_rate,
    pbx_request,
)
