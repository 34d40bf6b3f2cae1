// Verification of an identity assertion for Java 17 or later, with the JDK alone. If you
// have a JWT library, use it with the same checks.

import java.math.BigInteger;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.ECPoint;
import java.security.spec.ECPublicKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public class Assertion {
    private static final Base64.Decoder BASE64URL = Base64.getUrlDecoder();
    private static final long MINUTE = Duration.ofMinutes(1).toNanos();

    /**
     * The gateway's public keys by kid. They are cached, and fetched again for an unknown
     * kid, but not within a minute after a fetch: anybody can send an unknown kid.
     */
    static final class Keys {
        private final URI url;
        private Map<String, PublicKey> keys = Map.of();
        private long fetched = System.nanoTime() - MINUTE;

        Keys(String url) {
            this.url = URI.create(url);
        }

        synchronized PublicKey get(String kid) throws Exception {
            if (!keys.containsKey(kid) && System.nanoTime() - fetched >= MINUTE) {
                keys = fetch();
                fetched = System.nanoTime();
            }
            return keys.get(kid);
        }

        private Map<String, PublicKey> fetch() throws Exception {
            HttpRequest request = HttpRequest.newBuilder(url).timeout(Duration.ofSeconds(5)).build();
            String body = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body();
            Map<String, PublicKey> found = new HashMap<>();
            for (Matcher key = Pattern.compile("\\{[^{}]*\\}").matcher(body); key.find(); ) {
                found.put(text(key.group(), "kid"), publicKey(text(key.group(), "x"), text(key.group(), "y")));
            }
            return found;
        }
    }

    private static PublicKey publicKey(String x, String y) throws GeneralSecurityException {
        AlgorithmParameters p256 = AlgorithmParameters.getInstance("EC");
        p256.init(new ECGenParameterSpec("secp256r1"));
        ECPoint point = new ECPoint(new BigInteger(1, BASE64URL.decode(x)), new BigInteger(1, BASE64URL.decode(y)));
        return KeyFactory.getInstance("EC").generatePublic(new ECPublicKeySpec(point, p256.getParameterSpec(ECParameterSpec.class)));
    }

    /** Returns the claims of a valid assertion as JSON; throws otherwise. */
    static String verify(String assertion, Keys keys, String issuer, String audience) throws Exception {
        String[] parts = assertion.split("\\.", -1);
        if (parts.length != 3) {
            throw new SecurityException("not a JWT");
        }
        String header = new String(BASE64URL.decode(parts[0]), StandardCharsets.UTF_8);
        String claims = new String(BASE64URL.decode(parts[1]), StandardCharsets.UTF_8);
        if (!text(header, "alg").equals("ES256") || !text(header, "typ").equals("gw-assertion+jwt") || header.contains("\"crit\"")) {
            throw new SecurityException("not an assertion");
        }
        PublicKey key = keys.get(text(header, "kid"));
        if (key == null) {
            throw new SecurityException("unknown key");
        }
        Signature signature = Signature.getInstance("SHA256withECDSAinP1363Format");
        signature.initVerify(key);
        signature.update((parts[0] + "." + parts[1]).getBytes(StandardCharsets.US_ASCII));
        if (!signature.verify(BASE64URL.decode(parts[2]))) {
            throw new SecurityException("bad signature");
        }
        if (!text(claims, "iss").equals(issuer) || !text(claims, "aud").equals(audience) || text(claims, "sub").isEmpty()) {
            throw new SecurityException("another issuer or audience, or no subject");
        }
        long now = Instant.now().getEpochSecond();
        if (number(claims, "exp") <= now - 5 || number(claims, "iat") > now + 5) {
            throw new SecurityException("expired or not yet valid");
        }
        return claims;
    }

    // These parse the JSON of the gateway, which is trusted because its signature is
    // verified first. Use your JSON library instead.

    static String text(String json, String name) {
        Matcher m = Pattern.compile("\"" + name + "\":\"((?:[^\"\\\\]|\\\\.)*)\"").matcher(json);
        return m.find() ? m.group(1) : "";
    }

    private static long number(String json, String name) {
        Matcher m = Pattern.compile("\"" + name + "\":(\\d{1,12})").matcher(json);
        if (!m.find()) {
            throw new SecurityException("no " + name);
        }
        return Long.parseLong(m.group(1));
    }
}
