"""Verification of an identity assertion: pip install "pyjwt[crypto]"."""

import jwt  # PyJWT


def verify(assertion, keys, issuer, audience):
    """Returns the claims of a valid assertion, or raises jwt.PyJWTError.

    keys is a jwt.PyJWKClient. Create one at the start of the process: it caches
    the keys, and fetches them again for an unknown kid.
    """
    if jwt.get_unverified_header(assertion).get("typ") != "gw-assertion+jwt":
        raise jwt.InvalidTokenError("not an assertion")
    claims = jwt.decode(
        assertion,
        keys.get_signing_key_from_jwt(assertion).key,
        algorithms=["ES256"],
        issuer=issuer,
        audience=audience,
        leeway=5,
        options={"require": ["exp", "iat", "iss", "aud", "sub"]},
    )
    if not claims["sub"]:
        raise jwt.InvalidTokenError("no subject")
    return claims
