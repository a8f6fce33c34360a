# A small image: the binary, its licences and the C library, without a shell, run by a user without rights.
#
#   docker build --tag rotakey .
#   docker run --read-only --publish 127.0.0.1:8080:8080 --volume rotakey:/var/lib/rotakey rotakey

FROM docker.io/library/rust:1.95-slim-bookworm AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev python3 && rm -rf /var/lib/apt/lists/*
WORKDIR /rotakey
COPY . .
RUN cargo build --release --locked --bin rotakey \
    && mkdir -p /image/usr/bin /image/usr/share/doc/rotakey /image/var/lib/rotakey \
    && strip --strip-all -o /image/usr/bin/rotakey target/release/rotakey \
    && cp LICENSE-APACHE LICENSE-MIT /image/usr/share/doc/rotakey/ \
    && packaging/third-party-licences > /image/usr/share/doc/rotakey/third-party-licences.txt

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /image/usr /usr
# The folder of an embedded database, which a volume replaces. 65532 is the user `nonroot` of the base image.
COPY --from=build --chown=65532:65532 /image/var/lib/rotakey /var/lib/rotakey
# On every address of the container; which of them others reach is decided outside.
ENV ROTAKEY_LISTEN=0.0.0.0:8080
USER 65532:65532
WORKDIR /var/lib/rotakey
VOLUME ["/var/lib/rotakey"]
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/usr/bin/rotakey", "healthcheck"]
ENTRYPOINT ["/usr/bin/rotakey"]
CMD ["serve"]
