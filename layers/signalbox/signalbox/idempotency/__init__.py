"""The same request once: by the caller's own key, or by the short-circuit cache."""
