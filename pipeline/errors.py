"""What a user did that cannot work, said in one sentence."""


class UserError(Exception):
    """Bad input or a missing part of the machine; the message is shown as it is and the process exits with code 2."""
