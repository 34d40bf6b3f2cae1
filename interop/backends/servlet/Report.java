import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Reports the area of a request, by the servlet mapping, and every identity that arrived, in headers and trailers. */
public class Report extends HttpServlet {
    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
        request.getInputStream().readAllBytes();
        List<String> seen = new ArrayList<>();
        for (String name : Collections.list(request.getHeaderNames())) {
            if (isIdentity(name)) {
                seen.addAll(Collections.list(request.getHeaders(name)));
            }
        }
        request.getTrailerFields().forEach((name, value) -> {
            if (isIdentity(name)) {
                seen.add(value);
            }
        });
        String info = request.getPathInfo();
        response.setHeader("X-Saw", String.join(" + ", seen));
        String path = request.getServletPath() + (info == null ? "" : info);
        response.setHeader("X-Path", URLEncoder.encode(path, StandardCharsets.UTF_8).replace("+", "%20"));
        response.getWriter().print(getInitParameter("area"));
    }

    private static boolean isIdentity(String name) {
        return name.toUpperCase().replaceAll("[^A-Z0-9]", "_").equals("X_OPENID");
    }
}
