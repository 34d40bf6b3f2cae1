#!/usr/bin/env bash
# Guess:   a Java client repeats a POST, if at all, when the server had closed a kept-alive
#          connection.
# Reality: java.net.HttpURLConnection repeats it on a second connection whenever the first one was
#          closed without a byte of a response, a new connection too: the server gets the order
#          twice, the program one exception. java.net.http.HttpClient repeats only a GET. A server
#          that gives up on a request has to respond to it.
# Needs:   a JDK (javac, java), 17 or later.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

cat >Twice.java <<'EOF'
import java.io.*;
import java.net.*;
import java.net.http.*;
import java.util.concurrent.atomic.AtomicInteger;

/** Counts how often a request reaches a server that reads it and closes without a response. */
public class Twice {
    static final AtomicInteger requests = new AtomicInteger();

    public static void main(String[] args) throws Exception {
        ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Thread accepting = new Thread(() -> accept(server));
        accepting.setDaemon(true);
        accepting.start();
        URI uri = URI.create("http://127.0.0.1:" + server.getLocalPort() + "/order");

        HttpURLConnection old = (HttpURLConnection) uri.toURL().openConnection();
        old.setRequestMethod("POST");
        old.setDoOutput(true);
        old.getOutputStream().write("{}".getBytes());
        try {
            old.getResponseCode();
        } catch (IOException expected) {
        }
        System.out.println("HttpURLConnection POST " + requests.getAndSet(0));

        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        for (String method : new String[] {"POST", "GET"}) {
            HttpRequest.BodyPublisher body = method.equals("GET")
                    ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString("{}");
            try {
                client.send(HttpRequest.newBuilder(uri).method(method, body).build(), HttpResponse.BodyHandlers.ofString());
            } catch (IOException expected) {
            }
            System.out.println("HttpClient " + method + " " + requests.getAndSet(0));
        }
        System.exit(0);
    }

    static void accept(ServerSocket server) {
        while (true) {
            try (Socket socket = server.accept()) {
                InputStream in = socket.getInputStream();
                StringBuilder head = new StringBuilder();
                while (head.indexOf("\r\n\r\n") < 0) {
                    head.append((char) in.read());
                }
                if (head.indexOf("POST") == 0) {
                    in.readNBytes(2);
                }
                requests.incrementAndGet();
            } catch (IOException closed) {
            }
        }
    }
}
EOF
javac Twice.java
java Twice | tee seen

java -version 2>&1 | head -1
diff -u - seen <<'EOF'
HttpURLConnection POST 2
HttpClient POST 1
HttpClient GET 2
EOF
echo "as seen on 2026-11-27 with OpenJDK 17"
