"""Where a call goes: decided first, as a value, without phones and without a database.

`plan.plan` reads an immutable directory and answers with a `route.RoutePlan`: whom to ring, for how
long, and what follows each outcome. A real call walks that plan, a simulation walks the same plan with
assumed outcomes, and an explanation reads it again from the call's record. No module here knows SIP.
"""
