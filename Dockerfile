# docker build -t wxgate .
# docker run -v ./config.yaml:/etc/wxgate/config.yaml:ro -p 8080:8080 wxgate

# scripts/image builds the last stage alone, from a binary that is there: a folder takes
# the place of this stage (--build-context build=FOLDER, docker and buildah alike).
FROM golang:1.26-alpine AS build
# Set it where Go's usual module proxy can't be reached.
ARG GOPROXY
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
ARG COMMIT=unknown
# timetzdata: the final image has no time zone files.
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags timetzdata \
    -ldflags "-s -w -X main.version=${VERSION} -X main.commit=${COMMIT}" \
    -o /wxgate ./cmd/wxgate

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /wxgate /wxgate
# A number, so that Kubernetes can see that it isn't root.
USER 65532:65532
ENV WXGATE_CONFIG=/etc/wxgate/config.yaml
EXPOSE 8080
# Asks the private listener; with another admin.listen set WXGATE_HEALTH_URL.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 CMD ["/wxgate", "healthcheck"]
ENTRYPOINT ["/wxgate"]
CMD ["serve"]
