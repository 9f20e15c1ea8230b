"""Which policy a process runs by: the one that its settings name, or the packaged one."""

from services.readiness.policy import DEFAULT_POLICY, Policy, PolicyError
from services.settings import Settings, SettingsError


def policy_of(settings: Settings) -> Policy:
    """Return the policy that the settings name. SettingsError says what is wrong with it.

    Ask for it before anything is started.
    """
    policy = DEFAULT_POLICY
    try:
        if settings.policy is not None:
            policy = Policy.load(settings.policy)
    except PolicyError as error:
        raise SettingsError(f"RANTAI_POLICY: {error}") from None
    except OSError as error:
        raise SettingsError(
            f"RANTAI_POLICY: {settings.policy} can't be read ({error.strerror})"
        ) from None
    if settings.zone is None:
        return policy
    try:
        return policy.with_zone(settings.zone)
    except PolicyError as error:
        said = error.problems[0].removeprefix("zone: ")
        raise SettingsError(f"RANTAI_ZONE: {said}") from None
