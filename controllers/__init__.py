from . import raw_dispatcher, recording, setup_files, webhook
