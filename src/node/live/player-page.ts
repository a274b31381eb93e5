/** The page that plays a stream: with a browser's own player, or with the script beside it. */
export const PLAYER_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'; media-src 'self' blob:; connect-src 'self'; worker-src blob:">
<title>ffswarm, live</title>
<style>
:root { color-scheme: dark }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: #0d1117; color: #9198a1; font: 15px system-ui, sans-serif }
main { width: min(1100px, 96vw) } video { width: 100%; background: #000; border-radius: 8px; display: block } p { margin: 10px 2px }
</style>
</head>
<body>
<main>
<video id="video" controls autoplay muted playsinline></video>
<p id="state">waiting for the stream</p>
</main>
<script src="player.js"></script>
<script>
const video = document.getElementById('video')
const state = document.getElementById('state')
const source = 'index.m3u8'
const say = (text) => { state.textContent = text }
video.addEventListener('playing', () => say('live'))
video.addEventListener('waiting', () => say('waiting for the stream'))
async function isThere() {
  try { return (await fetch(source, { cache: 'no-store' })).ok } catch { return false }
}
async function start() {
  while (!(await isThere())) await new Promise((resolve) => setTimeout(resolve, 1000))
  if (window.Hls && Hls.isSupported()) {
    const player = new Hls({ liveSyncDurationCount: 2 })
    window.player = player
    player.on(Hls.Events.ERROR, (_, { fatal, type }) => {
      if (!fatal) return
      say('the stream is interrupted')
      if (type === Hls.ErrorTypes.MEDIA_ERROR) player.recoverMediaError()
      else setTimeout(() => player.loadSource(source), 2000)
    })
    player.loadSource(source)
    player.attachMedia(video)
  } else if (video.canPlayType('application/vnd.apple.mpegurl')) video.src = source
  else say('this browser plays no HLS')
}
start()
</script>
</body>
</html>
`
