"""Who is there: worked out from phones, calls, browsers and rules."""
