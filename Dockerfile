# docker build -t markgate .
# docker run -p 11112:11112 -v markgate:/var/lib/markgate -v ./markgate.toml:/etc/markgate/markgate.toml:ro markgate
#
# In markgate.toml: [gate] listen = "0.0.0.0:11112" and [spool] dir = "/var/lib/markgate/spool".

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
RUN apt-get update \
    && apt-get install -y --no-install-recommends cmake g++ gcc libc6-dev libopenjph-dev make nasm \
    && rm -rf /var/lib/apt/lists/*
COPY Cargo.toml Cargo.lock build.rs ./
COPY src src
COPY config config
COPY benches benches
COPY tests/it tests/it
RUN cargo build --release --locked --bin markgate

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends libopenjph0.9 libstdc++6 \
    && rm -rf /var/lib/apt/lists/*
# A user of its own, by number, so that it can be named in a security policy.
RUN groupadd --system --gid 11112 markgate \
    && useradd --system --uid 11112 --gid 11112 --home-dir /var/lib/markgate --shell /usr/sbin/nologin markgate \
    && install -d -m 700 -o markgate -g markgate /var/lib/markgate
COPY --from=build /src/target/release/markgate /usr/local/bin/markgate
USER 11112:11112
# Everything that was acknowledged and not yet delivered lies here.
VOLUME /var/lib/markgate
EXPOSE 11112
STOPSIGNAL SIGTERM
# Over the console if there is one, else over the control socket in the spool.
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s --retries=3 \
    CMD ["markgate", "status", "--config", "/etc/markgate/markgate.toml"]
ENTRYPOINT ["markgate"]
CMD ["serve", "--config", "/etc/markgate/markgate.toml"]
