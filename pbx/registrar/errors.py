"""What can go wrong at registration, each error knowing its answer.

RegistrarError
└── RegistrationRefused     the REGISTER is understood but not done: `status` and `headers` answer it
"""


class RegistrarError(Exception):
    """Root of everything that `pbx.registrar` raises on purpose."""


class RegistrationRefused(RegistrarError):
    """Nothing of the REGISTER was done. `reason` None stands for the standard phrase."""

    def __init__(self, status: int, reason: str | None = None, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(f"{status} {reason or ''}")
        self.status = status
        self.reason = reason
        self.headers = headers
