from . import raw_dispatcher, recording, webhook
