"""How a Python backend checks an identity assertion.

pip install "pyjwt[crypto]", then:
python3 verify.py JWKS-URL ISSUER AUDIENCE ASSERTION
"""

import sys

import jwt  # PyJWT


def verify(assertion, keys, issuer, audience):
    """Gives the claims of a good assertion, or raises.

    keys is a jwt.PyJWKClient: make one at the start of the process, it keeps
    the keys and fetches them again when it meets a new kid.
    """
    if jwt.get_unverified_header(assertion).get("typ") != "gw-assertion+jwt":
        raise jwt.InvalidTokenError("not an assertion")
    return jwt.decode(
        assertion,
        keys.get_signing_key_from_jwt(assertion).key,
        algorithms=["ES256"],
        issuer=issuer,
        audience=audience,
        leeway=5,
        options={"require": ["exp", "iat", "iss", "aud", "sub"]},
    )


if __name__ == "__main__":
    url, issuer, audience, assertion = sys.argv[1:]
    try:
        print(verify(assertion, jwt.PyJWKClient(url), issuer, audience)["sub"])
    except jwt.PyJWTError as e:
        sys.exit(f"refused: {e}")
