"""Leads that the job made, as long as no person has worked on them."""

from ..tools.quiet import QUIET
from ..tools.transactions import lock_rows

MADE, SPAM = "made", "spam"


class AutomaticLead:
    """A lead that a call made by itself: it gives way to what people say later.

    Once a person has written it, commented on it or planned something, it stays as it
    is.

    :param lead: with the system's rights, as what becomes of it does not depend on who
        may see it.
    """

    def __init__(self, lead):
        self.lead = lead.with_context(**QUIET)

    @property
    def is_untouched(self):
        lead = self.lead
        system = lead.env.ref("base.user_root")
        return bool(
            lead.pbx_automatic == MADE
            and lead.active
            and lead.won_status == "pending"
            and lead.write_uid in (lead.create_uid, system)
            and not lead.activity_ids
            and not lead.message_ids.filtered(
                lambda message: message.message_type in ("comment", "email")
            )
        )

    def give_way_to(self, lead):
        """Let ``lead``, which a person created for the same call, take its place."""
        lock_rows(self.lead, "UPDATE")
        # sudo: the calls and call-backs of the one that goes, whoever may see them
        lead.sudo()._merge_dependences(self.lead)
        self.lead.unlink()

    def follow_spam(self, is_spam):
        """Archive it once its call is spam; bring it back if it is none after all."""
        lead = self.lead
        if is_spam and self.is_untouched:
            lock_rows(lead, "NO KEY UPDATE")
            lead.write({"active": False, "pbx_automatic": SPAM})
            lead._message_log(body=lead.env._("Archived: its call is spam."))
        elif not is_spam and lead.pbx_automatic == SPAM:
            lock_rows(lead, "NO KEY UPDATE")
            lead.write({"active": True, "pbx_automatic": MADE})
            lead._message_log(body=lead.env._("Restored: its call is not spam."))

    @classmethod
    def follow_tags(cls, calls):
        """The tags of these calls have changed, or what a tag means."""
        # sudo: see above
        for call in calls.sudo():
            lead = call.lead_id
            if lead and lead.pbx_call_id == call:
                cls(lead).follow_spam(any(call.tag_ids.mapped("is_spam")))
