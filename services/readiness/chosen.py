"""Chooses the policy of a process: the one that its settings name, or the packaged one."""

from services.readiness.policy import DEFAULT_POLICY, Policy, PolicyError
from services.settings import Settings, SettingsError


def policy_of(settings: Settings) -> Policy:
    """Return the policy that the settings name, with the zone of the settings if they set one.

    Call this before starting anything. Raises SettingsError if the policy can't be read or used.
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
