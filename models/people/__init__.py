from . import (
    crm_lead,
    pbx_directory,
    pbx_phone_number,
    pbx_phone_scan,
    pbx_rematch,
    res_partner,
)
