from . import test_webhook
from . import test_webhook_reply
from . import test_inbox
from . import test_call_log
from . import test_matching
