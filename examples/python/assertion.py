"""How a Python backend checks an identity assertion: pip install "pyjwt[crypto]"."""

import jwt  # PyJWT


def verify(assertion, keys, issuer, audience):
    """Gives the claims of a good assertion, or raises jwt.PyJWTError.

    keys is a jwt.PyJWKClient: make one at the start of the process, it keeps
    the keys and fetches them again when it meets a new kid.
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
