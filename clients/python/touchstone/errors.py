"""Why a question wasn't answered, or a transaction not recorded."""


class TouchstoneError(Exception):
    """What a client says; its subclasses say what."""


class NotVerified(TouchstoneError):
    """A proof fails: the answer must not be believed."""

    def __init__(self, check, reason):
        """`check` names the check that failed, as the elements of an examination do."""
        super().__init__(f"not verified ({check}): {reason}")
        self.check, self.reason = check, reason


class Behind(TouchstoneError):
    """The proof holds, but the node tells an older state than one that was proven before, or than is accepted."""


class Rejected(TouchstoneError):
    """A rule refuses the transaction: docs/rejections.md."""

    def __init__(self, code, rule, message, event=None):
        """`code` and `rule` are stable; `event` is the index of the event to blame, where there is one."""
        super().__init__(f"refused by rule {rule} ({code}): {message}")
        self.code, self.rule, self.message, self.event = code, rule, message, event


class Undecided(TouchstoneError):
    """Whether a transaction is recorded isn't known: submit `envelope` again, which records nothing twice."""

    def __init__(self, envelope, cause):
        super().__init__(f"whether the transaction is recorded isn't known: {cause}")
        self.envelope, self.cause = envelope, cause


class WrongCode(TouchstoneError):
    """The code under a label's cover isn't the one that its maker recorded, or none is recorded."""


class NoAnswer(TouchstoneError):
    """The node can't be reached, gives no answer in time, or says that it failed."""

    def __init__(self, cause, may_pass=True):
        """`may_pass`: asking again may help."""
        super().__init__(f"no answer from the node: {cause}")
        self.may_pass = may_pass
