from . import outage, webhook
