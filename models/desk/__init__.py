from . import pbx_desk, pbx_desk_card
