"""What workers keep in memory, while another transaction changes it."""

from odoo.tests import tagged

from .common import PbxCase

NUMBER = "+442079460979"


@tagged("post_install", "-at_install")
class TestMemory(PbxCase):
    """Another thread reads before the change is committed, and keeps what it read."""

    def wrap_up(self, provider):
        return provider.env["res.company"]._wrap_up(provider.company_id.id)

    def settings(self, provider):
        return provider._settings(provider.id).lookup_on_answer

    def blocks(self, provider):
        company_id = provider.company_id.id
        return bool(provider.env["pbx.blocked"]._zone_if_any(company_id))

    def lines(self, provider):
        return len(provider.env["pbx.line"]._known(provider.id))

    def change(self, one, name):
        """Change what ``name`` reads, in the transaction of ``one``.

        :return: what takes it back, once it was committed.
        """
        env = one.env
        if name == "wrap_up":
            company, was = one.company_id, one.company_id.pbx_wrap_up
            company.pbx_wrap_up = "ask" if was == "off" else "off"
            return lambda: company.write({"pbx_wrap_up": was})
        if name == "settings":
            one.lookup_on_answer = not one.lookup_on_answer
            return lambda: None
        if name == "blocks":
            values = {"number": NUMBER, "company_id": one.company_id.id}
            return env["pbx.blocked"].create(values).unlink
        values = {"number": NUMBER, "provider_id": one.id}
        return env["pbx.line"].create(values).unlink

    def test_read_before_the_commit(self):
        for name in ("wrap_up", "settings", "blocks", "lines"):
            with self.subTest(name), self.in_two_transactions() as (one, two):
                read = getattr(self, name)
                before = read(two)
                # Of what the test's own transaction holds.
                one.env.cr.execute("SET LOCAL lock_timeout = '5s'")
                take_back = self.change(one, name)
                one.env.flush_all()
                self.assertEqual(read(two), before, "not committed: kept again")
                one.env.cr.commit()
                two.env.cr.rollback()
                two.env.invalidate_all()
                try:
                    self.assertNotEqual(read(two), before)
                finally:
                    two.env.cr.rollback()
                    take_back()
                    one.env.cr.commit()

    def test_read_before_the_rollback(self):
        """In the transaction itself; another thread reads what it has kept."""
        with self.in_two_transactions() as (one, two):
            before = self.blocks(two)
            self.change(one, "blocks")
            self.assertNotEqual(self.blocks(one), before)
            one.env.cr.rollback()
            self.assertEqual(self.blocks(two), before)
