from . import (
    pbx_blocked,
    pbx_menu,
    pbx_menu_choice,
    pbx_route,
    pbx_route_sent,
    pbx_target,
)
