"""One record of two that turned out to be one call: nothing of the other one is lost.

What the PBX reported is in the facts, which the caller adds. This is about what people
did with the record that goes, and what hangs on it.
"""

from odoo import fields
from odoo.tools import SQL

from ..tools.transactions import lock_rows
from .lines import COPIED
from .seat import Seat
from .tag_activities import TagActivities

# What may hang on any record, by model: the fields that name it.
ATTACHED = {
    "mail.message": ("model", "res_id"),
    "mail.activity": ("res_model", "res_id"),
    "mail.followers": ("res_model", "res_id"),
    "ir.attachment": ("res_model", "res_id"),
    "calendar.event": ("res_model", "res_id"),
    "mail.scheduled.message": ("model", "res_id"),
}


class CallMerge:
    """Takes a call away whose record gives way to another one.

    :param gone: the call that goes.
    :param kept: the one that stays.
    """

    def __init__(self, gone, kept):
        self.gone, self.kept, self.env = gone, kept, kept.env

    def run(self):
        """Do it; return ``{extension: Seat}``: whose phones had a part in ``gone``."""
        gone, kept = self.gone, self.kept
        seats = {
            leg.number: Seat(leg.extension_id.id, _users_of(leg))
            for leg in gone.leg_ids
        }
        values = {
            **self._choices(),
            **self._complete_legs(seats),
            **self._line(),
            "note": self._notes(),
        }
        if gone.lead_verdict == "lead":
            values["lead_verdict"] = "lead"
        changed = {
            name: value for name, value in values.items() if value != _plain(kept[name])
        }
        TagActivities(self.env).merge(gone, kept)
        changed.update(self._tags())
        if changed:
            kept.write(changed)
        self._move_recordings()
        self._move_attached()
        self.env["pbx.call.ref"].search([("call_id", "=", gone.id)]).call_id = kept
        self.env["pbx.chatter"]._call_merged(gone, kept)
        if gone.lead_id:
            self.env["crm.lead"]._call_merged(gone, kept)
        if gone.promise_id:
            self.env["pbx.promise"]._call_merged(gone, kept)
        gone.unlink()
        return seats

    # -------------------------------------------------------------- what people chose

    def _choices(self):
        """Return contact, lead and user: what a person chose wins over a machine."""
        gone, kept, values = self.gone, self.kept, {}
        picked = gone.partner_source == "picked"
        if picked and (kept.partner_source != "picked" or not kept.partner_id):
            values.update(partner_id=gone.partner_id.id, partner_source="picked")
        if gone.lead_id and (
            not kept.lead_id or (gone.lead_picked and not kept.lead_picked)
        ):
            values.update(lead_id=gone.lead_id.id, lead_picked=gone.lead_picked)
        if gone.res_id and not kept.res_id:
            values.update(res_model=gone.res_model, res_id=gone.res_id)
        if gone.user_picked and not kept.user_picked:
            values.update(user_id=gone.user_id.id, user_picked=True)
        return values

    def _tags(self):
        """Return the tags of both, and that one need not be asked for one."""
        values = {}
        if new := self.gone.tag_ids - self.kept.tag_ids:
            values["tag_ids"] = [fields.Command.link(tag.id) for tag in new]
        if self.gone.is_wrapped_up and not self.kept.is_wrapped_up:
            values["is_wrapped_up"] = True
        return values

    def _line(self):
        """Return the line that only ``gone`` knows, as that was when the call came."""
        gone, kept = self.gone, self.kept
        if not gone.line_id or kept.line:
            return {}
        copied = {name: gone[name].id for name in COPIED}
        return {"line": gone.line, "direction": gone.direction, **copied}

    def _notes(self):
        notes = (self.kept.note, self.gone.note)
        return "\n".join(dict.fromkeys(filter(None, notes))) or False

    def _complete_legs(self, seats):
        """Give legs that nobody's phone is known of the users that ``gone`` knows.

        :return: the participants, as the value of a change.
        """
        added = set()
        for leg in self.kept.leg_ids:
            seat = seats.get(leg.number, Seat())
            if seat.user_ids and not _users_of(leg):
                leg.write(
                    {
                        "user_id": seat.user_id,
                        "user_ids": [fields.Command.set(seat.user_ids)],
                    }
                )
                added.update(seat.user_ids)
        kept = self.kept.with_context(active_test=False)
        added.difference_update(kept.participant_ids.ids)
        if not added:
            return {}
        links = [fields.Command.link(user) for user in sorted(added)]
        return {"participant_ids": links}

    # ----------------------------------------------------------------- what hangs on it

    def _move_recordings(self):
        """Keep each recording once; one that is fetched already is the better one."""
        if not self.gone.recording_ids:
            return
        lock_rows(self.gone.recording_ids | self.kept.recording_ids)
        known = {recording.ref: recording for recording in self.kept.recording_ids}
        for recording in self.gone.recording_ids:
            same = known.get(recording.ref)
            if same and (same.state == "stored" or recording.state != "stored"):
                continue
            if same:
                same.unlink()
            # By the id that stays: the other would be removed with its call.
            recording.write({"call_id": self.kept.id})
            recording.flush_recordset()
        self.gone.invalidate_recordset(["recording_ids"])
        self.kept.invalidate_recordset(["recording_ids"])

    def _move_attached(self):
        """Move messages, activities, followers, files and meetings."""
        for model in self._models_attached():
            name, res_id = ATTACHED[model]
            records = (
                self.env[model]
                .with_context(active_test=False)
                .search([(name, "=", self.gone._name), (res_id, "=", self.gone.id)])
            )
            if model == "mail.followers":
                self._move_followers(records)
            else:
                records.write({res_id: self.kept.id})
        names = ["message_ids", "message_follower_ids", "activity_ids"]
        (self.gone | self.kept).invalidate_recordset(names)

    def _models_attached(self):
        """Return the names of models of which something hangs on it, in one query."""
        models = [name for name in ATTACHED if name in self.env]
        for name in models:
            self.env[name].flush_model(list(ATTACHED[name]))
        found = [
            SQL(
                """SELECT %s WHERE EXISTS (
                   SELECT 1 FROM %s WHERE %s = %s AND %s = %s)""",
                name,
                SQL.identifier(self.env[name]._table),
                SQL.identifier(ATTACHED[name][0]),
                self.gone._name,
                SQL.identifier(ATTACHED[name][1]),
                self.gone.id,
            )
            for name in models
        ]
        return [
            name for [name] in self.env.execute_query(SQL(" UNION ALL ").join(found))
        ]

    def _move_followers(self, followers):
        known = self.kept.message_follower_ids.partner_id
        new = followers.filtered(lambda one: one.partner_id not in known)
        new.write({"res_id": self.kept.id})
        (followers - new).unlink()


def _users_of(leg):
    """Return the ids of a leg's users; an archived colleague's part is one, too."""
    # Most have one: that is known without a further query.
    users = leg.user_id or leg.with_context(active_test=False).user_ids
    return tuple(users.ids)


def _plain(value):
    """Return a field's value as it would be written."""
    return value.id if hasattr(value, "_name") else value
