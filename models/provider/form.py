"""The form of a cloud PBX, fitted to the PBXs that there are."""

from lxml import etree

from ...telephony import dialect as dialects

# Parts of the form that stand for an optional field of the dialects.
OPTIONAL_PARTS = {
    "line_ids": "//page[@name='lines']",
    "history_ids": "//*[@name='history']",
}


class FormByDialect:
    """Shows optional fields for those PBXs alone that use them, as each calls them.

    :param arch: the form's own, which is changed.
    """

    def __init__(self, env, arch):
        self.env, self.arch = env, arch

    def run(self):
        for name in dialects.OPTIONAL_FIELDS:
            by_texts = self._codes_by_texts(name)
            if part := OPTIONAL_PARTS.get(name):
                users = [code for codes in by_texts.values() for code in codes]
                for node in self.arch.xpath(part):
                    _hide_unless(node, users)
                continue
            for node in self.arch.xpath(f"//field[@name='{name}']"):
                self._show_by_texts(node, by_texts)

    @staticmethod
    def _codes_by_texts(name):
        """Return ``{texts: [codes of the dialects that use the field so]}``."""
        by_texts = {}
        for dialect in dialects.available():
            if name in dialect.form:
                by_texts.setdefault(dialect.form[name], []).append(dialect.code)
        return by_texts

    def _show_by_texts(self, node, by_texts):
        """Put a field in the place of ``node`` for each way in which it is called."""
        if not by_texts:
            node.set("invisible", "True")
            return
        parent = node.getparent()
        for texts, codes in by_texts.items():
            copy = etree.fromstring(etree.tostring(node, with_tail=False))
            for attribute, text in (
                ("string", texts.label),
                ("help", texts.help),
                ("placeholder", texts.placeholder),
            ):
                if text:
                    copy.set(attribute, self.env._(text))
            _hide_unless(copy, codes)
            parent.insert(parent.index(node), copy)
        parent.remove(node)


def _hide_unless(node, codes):
    """Have a part of the form shown for these dialects alone, besides its own rule."""
    rule = f"dialect not in {sorted(codes)!r}"
    own = node.get("invisible")
    node.set("invisible", f"({own}) or {rule}" if own else rule)
