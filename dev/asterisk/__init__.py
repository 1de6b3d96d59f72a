"""A real Asterisk with telephones: see lab.py, phone.py and stories.py."""
