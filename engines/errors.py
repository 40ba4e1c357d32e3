"""What cannot work when a network is loaded, built or run, said in one sentence."""


class EngineError(Exception):
    """The message is shown to the user as it is; an entry point exits with code 2."""


class BackendUnavailable(EngineError):
    """This backend cannot run here (library, driver or device missing); another one may."""


def first_line(error: BaseException) -> str:
    """The first line of another library's message, for the end of one's own sentence; its type's name where it says
    nothing."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
