"""Asterisk, on a server of the company's own: https://www.asterisk.org."""
