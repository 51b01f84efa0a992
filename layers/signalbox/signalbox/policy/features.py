"""Which roster feature a sampling parameter needs."""

from signalbox.policy.resolved import Profile

SAMPLING_FEATURES = {
    "temperature": "temperature",
    "top_p": "top_p",
    "frequency_penalty": "penalties",
    "presence_penalty": "penalties",
    "stop": "stop",
    "seed": "seed",
}


def profile_features(profile: Profile) -> dict[str, str]:
    """Each parameter that ``profile`` sets, with the feature that its model needs for it."""
    set_here = {
        name: feature
        for name, feature in SAMPLING_FEATURES.items()
        if getattr(profile.sampling, name) not in (None, ())
    }
    return set_here | ({"reasoning_effort": "reasoning_effort"} if profile.reasoning_effort else {})
