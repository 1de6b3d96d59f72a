from . import asterisk, beeline, zadarma
