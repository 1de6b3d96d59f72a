from . import (
    pbx_desk,
    pbx_desk_contacts,
    pbx_desk_card,
    pbx_desk_reasons,
)
