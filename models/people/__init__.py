from . import crm_lead, pbx_directory, pbx_rematch, phone_index, res_partner
