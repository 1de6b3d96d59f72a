"""What the commands in `dev/` share. Standard library only: the system's python3."""
