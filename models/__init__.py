from . import (
    provider,
    api,
    inbox,
    call,
    desk,
    history,
    recording,
    people,
    ir_http,
    res_company,
    res_users,
)
