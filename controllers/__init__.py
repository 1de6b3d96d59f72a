from . import outage, recording, webhook
