"""Why a step came to nothing. The class's name is the error that the state machine's Retry and Catch go by."""


class StepFailed(Exception):
    """The message has names and figures only."""


class OutOfTime(StepFailed):
    """The plan's deadline."""


class CostCeilingReached(StepFailed):
    """The next call might cost more than is left of the plan's ceiling."""


class NobodyToAsk(StepFailed):
    """No model may do this step now."""


class StepLost(StepFailed):
    """It was begun by somebody who died: a model may have been paid, so it is not done twice."""


class StateUnavailable(StepFailed):
    """A store could not be reached. It may be tried again: what was bought before is not bought twice."""


class Concluded(StepFailed):
    """The plan has ended meanwhile."""


class JobUnknown(StepFailed):
    """There is no such job, or it has expired."""


class ContextOverflow(StepFailed):
    pass


class RateLimited(StepFailed):
    pass


class DeadlineExceeded(StepFailed):
    """One model took longer than its part of the deadline."""


class ProviderUnavailable(StepFailed):
    pass


class InvalidRequest(StepFailed):
    pass


class AuthenticationFailed(StepFailed):
    pass


class ContentRefused(StepFailed):
    pass


class MalformedReply(StepFailed):
    pass


BY_NAME = {kind.__name__: kind for kind in StepFailed.__subclasses__()}


def named(error: str, message: str) -> StepFailed:
    """The failure of that name."""
    return BY_NAME.get(error, StepFailed)(message)
