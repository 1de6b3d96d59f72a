from . import (
    crm_lead,
    pbx_availability,
    pbx_caller_mixin,
    pbx_directory,
    pbx_phone_number,
    pbx_phone_scan,
    pbx_rematch,
    res_partner,
    resource_calendar,
    resource_calendar_attendance,
    resource_calendar_leaves,
    resource_resource,
)
