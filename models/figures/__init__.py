from . import figures, overview, pbx_wallboard
