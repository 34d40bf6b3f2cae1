<?php
// Verification of an identity assertion for PHP 8 or later, with the openssl extension.

function base64url(string $text): string
{
    $bytes = base64_decode(strtr($text, '-_', '+/'), true);
    if ($bytes === false) {
        throw new Exception('not base64url');
    }
    return $bytes;
}

/** Fetches the URL. With the apcu extension, the response is cached for a minute. */
function fetch_jwks(string $url): string
{
    $fetch = fn () => file_get_contents($url, false, stream_context_create(['http' => ['timeout' => 5]]));
    return function_exists('apcu_entry') ? apcu_entry("jwks $url", $fetch, 60) : $fetch();
}

/** Returns the gateway's public keys by kid. */
function fetch_keys(string $url): array
{
    $keys = [];
    foreach (json_decode(fetch_jwks($url), true, 8, JSON_THROW_ON_ERROR)['keys'] as $jwk) {
        // The constant prefix of a P-256 SubjectPublicKeyInfo (RFC 5480) and the point.
        $der = hex2bin('3059301306072a8648ce3d020106082a8648ce3d030107034200') . "\x04" . base64url($jwk['x']) . base64url($jwk['y']);
        $pem = "-----BEGIN PUBLIC KEY-----\n" . chunk_split(base64_encode($der), 64, "\n") . "-----END PUBLIC KEY-----\n";
        $keys[$jwk['kid']] = openssl_pkey_get_public($pem);
    }
    return $keys;
}

/** Converts r and s of a JWT's signature to the ASN.1 that openssl expects. */
function asn1_signature(string $raw): string
{
    if (strlen($raw) !== 64) {
        throw new Exception('bad signature');
    }
    $integers = '';
    foreach (str_split($raw, 32) as $n) {
        $n = ltrim($n, "\0");
        if ($n === '' || ord($n[0]) > 0x7f) {
            $n = "\0" . $n;
        }
        $integers .= "\x02" . chr(strlen($n)) . $n;
    }
    return "\x30" . chr(strlen($integers)) . $integers;
}

/** Returns the claims of a valid assertion; throws otherwise. */
function verify(string $assertion, array $keys, string $issuer, string $audience): array
{
    $parts = explode('.', $assertion);
    if (count($parts) !== 3) {
        throw new Exception('not a JWT');
    }
    $header = json_decode(base64url($parts[0]), true, 8, JSON_THROW_ON_ERROR);
    $claims = json_decode(base64url($parts[1]), true, 8, JSON_THROW_ON_ERROR);
    $key = $keys[$header['kid'] ?? ''] ?? null;
    if (($header['alg'] ?? '') !== 'ES256' || ($header['typ'] ?? '') !== 'gw-assertion+jwt' || isset($header['crit']) || !$key) {
        throw new Exception('unknown key');
    }
    if (openssl_verify("$parts[0].$parts[1]", asn1_signature(base64url($parts[2])), $key, OPENSSL_ALGO_SHA256) !== 1) {
        throw new Exception('bad signature');
    }
    if (($claims['iss'] ?? '') !== $issuer || ($claims['aud'] ?? '') !== $audience || ($claims['sub'] ?? '') === '') {
        throw new Exception('another issuer or audience, or no subject');
    }
    if (($claims['exp'] ?? 0) <= time() - 5 || ($claims['iat'] ?? PHP_INT_MAX) > time() + 5) {
        throw new Exception('expired or not yet valid');
    }
    return $claims;
}
