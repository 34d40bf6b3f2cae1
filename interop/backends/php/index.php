<?php
// Reports the area of a request and every identity that arrived. A request counts as
// admin when nginx says so, by its location, or when this application does, which
// decodes REQUEST_URI by itself.
function folded(string $name): string
{
    return preg_replace('/[^A-Z0-9]/', '_', strtoupper($name));
}

$parts = [];
foreach (explode('/', str_replace('\\', '/', rawurldecode(explode('?', $_SERVER['REQUEST_URI'])[0]))) as $part) {
    if ($part === '..') {
        array_pop($parts);
    } elseif ($part !== '' && $part !== '.') {
        $parts[] = $part;
    }
}
$path = '/' . implode('/', $parts) . '/';

$seen = [];
foreach ($_SERVER as $name => $value) {
    if (folded($name) === 'HTTP_X_OPENID') {
        $seen[] = $value;
    }
}
header('X-Saw: ' . implode(' + ', $seen));
header('X-Path: ' . rawurlencode(rtrim($path, '/')));
echo $_SERVER['AREA'] === 'admin' || str_starts_with($path, '/api/admin/') ? 'admin' : 'public';
