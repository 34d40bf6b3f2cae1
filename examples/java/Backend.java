// A backend behind wxgate. It verifies that requests came through the gateway, reads the
// user, and handles the login hook:
// javac -d bin/java examples/java/*.java && java -cp bin/java Backend

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.Executors;

public class Backend {
    private static final Assertion.Keys KEYS = new Assertion.Keys(setting("WXGATE_JWKS", "http://127.0.0.1:8080/.well-known/jwks.json"));
    private static final String ISSUER = setting("WXGATE_ISSUER", "wxgate"); // token.issuer
    private static final String ROUTE = setting("ROUTE", "api"); // the route's name

    /** Returns the user. Without the verification, anybody who can connect could send X-OpenID. */
    static String hello(Headers headers) throws Exception {
        String claims = Assertion.verify(header(headers, "X-Identity-Assertion"), KEYS, ISSUER, ROUTE);
        String openid = Assertion.text(claims, "sub");
        if (!openid.equals(header(headers, "X-OpenID"))) {
            throw new SecurityException("another user");
        }
        return "{\"openid\":\"" + openid + "\",\"user_id\":\"" + Assertion.text(claims, "user_id") + "\"}";
    }

    /** Returns the backend's own user id. A response with 403 would refuse the login. */
    static String login(Headers headers) throws Exception {
        String assertion = header(headers, "Authorization").replaceFirst("^Bearer ", "");
        String claims = Assertion.verify(assertion, KEYS, ISSUER, "login-hook");
        return "{\"user_id\":\"u-" + Assertion.text(claims, "sub") + "\",\"roles\":[\"customer\"]}";
    }

    interface Handler {
        String handle(Headers headers) throws Exception;
    }

    static void serve(HttpExchange exchange, Handler handler, int errorStatus) throws IOException {
        exchange.getRequestBody().readAllBytes();
        int status = 200;
        String body;
        try {
            body = handler.handle(exchange.getRequestHeaders());
        } catch (Exception e) {
            status = errorStatus;
            body = "{\"error\":\"not through the gateway\"}";
        }
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    public static void main(String[] args) throws IOException {
        String listen = setting("LISTEN", "127.0.0.1:3000");
        int colon = listen.lastIndexOf(':');
        HttpServer server = HttpServer.create(new InetSocketAddress(listen.substring(0, colon), Integer.parseInt(listen.substring(colon + 1))), 0);
        server.createContext("/api/", exchange -> serve(exchange, Backend::hello, 403));
        server.createContext("/hooks/login", exchange -> serve(exchange, Backend::login, 401));
        server.setExecutor(Executors.newFixedThreadPool(16));
        server.start();
    }

    private static String header(Headers headers, String name) {
        return Optional.ofNullable(headers.getFirst(name)).orElse("");
    }

    private static String setting(String name, String defaultValue) {
        return Optional.ofNullable(System.getenv(name)).orElse(defaultValue);
    }
}
