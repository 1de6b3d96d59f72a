"""Calls come in while everything under them dies: what was acknowledged is kept once.

plays     which calls, and what each is in the log
load      a process of its own that posts them as a PBX does
ledger    what it was answered, as this side reads it
system    two Odoo processes with workers on one database
deaths    who is killed in a round
cases     what is special: a full disk, a lock, a wrong clock, slow senders
check     inbox and log against the ledger
storm     rounds and cases, one after the other
"""
