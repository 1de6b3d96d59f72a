from . import (
    pbx_directory,
    pbx_directory_many,
    pbx_rematch,
    phone_index,
    res_partner,
    crm_lead,
)
