<?php
// A backend behind wxgate. It verifies that requests came through the gateway, reads the
// user, and handles the login hook: php -S 127.0.0.1:3000 examples/php/backend.php
require __DIR__ . '/assertion.php';

function setting(string $name, string $default): string
{
    return getenv($name) ?: $default;
}

function claims(string $assertion, string $audience): array
{
    $keys = fetch_keys(setting('WXGATE_JWKS', 'http://127.0.0.1:8080/.well-known/jwks.json'));
    return verify($assertion, $keys, setting('WXGATE_ISSUER', 'wxgate'), $audience);
}

/** Returns the user. Without the verification, anybody who can connect could send X-OpenID. */
function hello(): array
{
    $claims = claims($_SERVER['HTTP_X_IDENTITY_ASSERTION'] ?? '', setting('ROUTE', 'api'));
    if ($claims['sub'] !== ($_SERVER['HTTP_X_OPENID'] ?? '')) {
        throw new Exception('another user');
    }
    return ['openid' => $claims['sub'], 'user_id' => $claims['user_id'] ?? null, 'roles' => $claims['roles'] ?? null];
}

/** Returns the backend's own user id. A response with 403 would refuse the login. */
function login(): array
{
    $claims = claims(preg_replace('/^Bearer /', '', $_SERVER['HTTP_AUTHORIZATION'] ?? ''), 'login-hook');
    return ['user_id' => 'u-' . $claims['sub'], 'roles' => ['customer']];
}

$isHook = $_SERVER['REQUEST_METHOD'] === 'POST' && $_SERVER['REQUEST_URI'] === '/hooks/login';
header('Content-Type: application/json');
try {
    echo json_encode($isHook ? login() : hello(), JSON_THROW_ON_ERROR);
} catch (Throwable) {
    http_response_code($isHook ? 401 : 403);
    echo '{"error":"not through the gateway"}';
}
