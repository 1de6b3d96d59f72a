"""How figures are written where a server writes them: as the overview does."""

from odoo.tools.misc import formatLang

# There is none, which is not zero.
NO_VALUE = "–"


def format_percent(env, rate):
    """Write a rate from 0 to 1: ``75%``, ``66.7%``."""
    return env._("%s%%", _hundredfold(env, rate))


def format_points(env, difference):
    """Write the difference of two rates: ``2.5 points``."""
    return env._("%s points", _hundredfold(env, difference))


def _hundredfold(env, rate):
    """Write a hundred times a number, with one decimal where that says something."""
    value = round(100 * rate, 1)
    return formatLang(env, value, digits=0 if value == int(value) else 1)


def format_duration(seconds):
    """Write seconds as people read the length of a call: ``0:05``, ``1:02:03``."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
