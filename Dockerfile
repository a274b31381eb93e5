# The program as a user installs it, with Debian's FFmpeg. See docs/platforms.md.
FROM node:22-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build && npm pack

FROM node:22-bookworm-slim
RUN apt-get update \
  && apt-get install -y --no-install-recommends ffmpeg \
  && rm -rf /var/lib/apt/lists/*
COPY --from=build /build/ffswarm-*.tgz /tmp/
RUN npm install --global --omit=optional --ignore-scripts /tmp/ffswarm-*.tgz && rm -rf /tmp/ffswarm-*.tgz /root/.npm
USER node
ENV FFSWARM_HOME=/home/node/ffswarm
RUN mkdir "$FFSWARM_HOME"
VOLUME /home/node/ffswarm
EXPOSE 4001
# Ctrl-C's signal: a worker finishes what it has begun.
STOPSIGNAL SIGINT
ENTRYPOINT ["ffswarm"]
CMD ["join", "--port", "4001"]
