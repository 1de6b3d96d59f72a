"""Hearing a recording: where from, under which name, and why not."""

import math
from datetime import timedelta

from odoo import fields, models
from odoo.tools.osutil import clean_filename

from ...telephony import dialect as dialects
from ...telephony import errors
from ...telephony.http import sound as download

EXTENSIONS = {"audio/mpeg": ".mp3", "audio/wav": ".wav", "audio/ogg": ".ogg"}
# A link is good for half an hour at least; for so long the same one is given.
LINK_LIFE = timedelta(minutes=20)


class Unheard(Exception):
    """It cannot be heard now. ``text`` is for a person; ``status`` is HTTP's.

    ``retry_after`` is in seconds, 0 where waiting does not help.
    """

    def __init__(self, status, text, retry_after=0):
        super().__init__(text)
        self.status = status
        self.text = text
        self.retry_after = retry_after


class PbxRecording(models.Model):
    _inherit = "pbx.recording"

    def _for_hearing(self, recording_id):
        """Return the recording if the user may hear it, else an empty one.

        Nothing tells one that is not there from one that is not theirs.
        """
        if not self.has_access("read"):
            return self.browse()
        return self.search([("id", "=", recording_id)])

    def _hear(self):
        """Return the address it is heard from now; ``""``: the file is stored here.

        The caller has let the user in.

        :raises Unheard: neither; it says why.
        """
        self.ensure_one()
        env = self.env
        if self.state == "stored":
            return ""
        if self.state == "expired":
            raise Unheard(
                410, env._("This recording was deleted: its time to be kept is over.")
            )
        # sudo: what becomes of it is decided by the provider's settings
        provider_sudo = self.sudo().provider_id
        if self.state == "linked" or provider_sudo.recording_mode == "link":
            return self._fresh_link(provider_sudo)
        if self.state == "failed":
            raise Unheard(
                404, env._("This recording could not be fetched: %s", self.error or "")
            )
        raise Unheard(
            404,
            env._("This recording is not fetched yet. Try again in a few minutes."),
            60,
        )

    def _fresh_link(self, provider_sudo):
        # sudo: the link is for nobody but the one who has been let in.
        mine_sudo, now = self.sudo(), fields.Datetime.now()
        if mine_sudo.link and mine_sudo.link_until and mine_sudo.link_until > now:
            return mine_sudo.link
        if not provider_sudo.is_running:
            raise Unheard(503, self.env._("%s is inactive.", provider_sudo.name))
        try:
            dialect, account = provider_sudo._open_api(urgent=True)
            ref = mine_sudo.call_id.ref or ""
            link = dialect.fetch_recording(account, ref, self.ref)
            download.check_home(link, account.server_url)
        except errors.NotFound as error:
            raise Unheard(
                404, self.env._("The PBX does not have this recording, or not yet.")
            ) from error
        except errors.RateLimited as error:
            raise Unheard(
                503, provider_sudo._explain(error), math.ceil(error.retry_after)
            ) from error
        except (errors.PbxError, dialects.NotOffered) as error:
            raise Unheard(502, provider_sudo._explain(error)) from error
        mine_sudo.write(
            {
                "link": link,
                "link_until": now + LINK_LIFE,
                "state": "linked",
                "error": False,
            }
        )
        return link

    def _sound_name(self):
        """Return a file name that tells which call it was."""
        call = self.call_id
        start = fields.Datetime.context_timestamp(self, self.start)
        name = f"{start:%Y-%m-%d %H-%M} {call.display_name}"
        extension = EXTENSIONS.get(self.mimetype, "")
        return clean_filename(name, "_")[:120].strip() + extension
