from . import (
    dialects,
    pbx_assignment,
    pbx_check,
    pbx_extension,
    pbx_former_url,
    pbx_line,
    pbx_provider,
    pbx_secrets,
    pbx_subscription,
)
