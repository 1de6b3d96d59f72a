from . import (
    api,
    call,
    desk,
    history,
    inbox,
    ir_http,
    people,
    provider,
    recording,
    res_company,
    res_users,
)
