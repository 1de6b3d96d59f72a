"""Beeline's “Облачная АТС”, a cloud PBX built on BroadWorks: https://cloudpbx.beeline.ru."""
