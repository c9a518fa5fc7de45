# Perch in a container: Debian slim, Node 24, ffmpeg; runs as a user of its own and writes only to /data and /tmp.
# Any image with Debian 12, Node 24 and npm will do as the base: --build-arg BASE=...
ARG BASE=node:24-bookworm-slim

# The web page. The pinned `node` package is left unbuilt here: the base has Node 24.
FROM ${BASE} AS web
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --include=dev
COPY tsconfig.json ./
COPY server/http/schemas server/http/schemas
COPY web web
RUN node node_modules/vite/bin/vite.js build --config web/vite.config.ts

# The packages that run. Native ones bring their binaries along, so no install script runs and no compiler is needed.
FROM ${BASE} AS packages
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --omit=dev

FROM ${BASE}
# Fonts: the cards ("no signal since 14:02") are drawn with text.
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ffmpeg fonts-dejavu-core \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb \
 && groupadd --gid 10001 perch \
 && useradd --uid 10001 --gid perch --home-dir /data --no-create-home --shell /usr/sbin/nologin perch \
 && install -d -o perch -g perch -m 0750 /data
WORKDIR /app
COPY --from=packages /build/node_modules node_modules
COPY package.json LICENSE ./
COPY scripts/healthcheck.mjs scripts/run.sh scripts/
COPY migrations migrations
COPY server server
COPY --from=web /build/web/dist web/dist
# Compiled once here, because the file system may be read-only later; importing the app starts nothing.
RUN sh scripts/run.sh --input-type=module --eval "await import('/app/server/demo.ts')"
# fontconfig keeps its cache where a read-only root file system lets it.
ENV NODE_ENV=production PERCH_DATA_DIR=/data XDG_CACHE_HOME=/tmp
USER 10001:10001
VOLUME /data
EXPOSE 3000 8554 8555/udp
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["node", "scripts/healthcheck.mjs"]
CMD ["sh", "scripts/run.sh", "server/main.ts"]
