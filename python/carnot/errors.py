"""Error: what every call of carnot raises when something cannot be done."""


class Error(Exception):
    """Says what was being done, what is wrong, and what to do.

    `code` is one of: invalid argument, invalid model, unsupported, resource limit, out of memory,
    io, corrupt engine, version mismatch, cancelled, wrong result, device, internal.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self):
        return type(self), (self.code, self.args[0])
