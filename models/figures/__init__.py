from . import figures, pbx_wallboard
