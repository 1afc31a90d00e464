"""The one kind of error a user can cause: what happened, what was expected, what to do."""

from __future__ import annotations


class InputError(Exception):
    """Bad input, configuration or environment, shown to the user without a stack trace."""

    def __init__(self, happened: str, expected: str = "", fix: str = "") -> None:
        self.happened, self.expected, self.fix = happened, expected, fix
        super().__init__(happened, expected, fix)

    def __str__(self) -> str:
        parts = [self.happened]
        if self.expected:
            parts.append(f"Expected: {self.expected}")
        if self.fix:
            parts.append(f"What to do: {self.fix}")
        return "\n".join(parts)


class NotFound(InputError):
    """Data that is not on this machine and could not be had."""
