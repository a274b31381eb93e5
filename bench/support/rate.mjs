/** Sizes and qualities as numbers: sums over segments, size at equal quality, and what a decoder's buffer makes of it. */

/** The params at a worse quality, as they are, and at a better one: what size buys near the quality in question. */
export function variants(params) {
  const crf = /-crf (\d+)/.exec(params)
  if (crf !== null) {
    // AV1's scale is about 1.5 times as long.
    const step = /svtav1|aom/.test(params) ? 3 : 2
    return [step, 0, -step].map((add) => params.replace(crf[0], `-crf ${Number(crf[1]) + add}`))
  }
  const rates = [...params.matchAll(/-(b:v|maxrate|bufsize) (\d+)k/g)]
  if (rates.length === 0) throw new Error('params need -crf N or -b:v Nk')
  return [0.8, 1, 1.25].map((factor) =>
    rates.reduce(
      (text, [whole, name, rate]) => text.replace(whole, `-${name} ${Math.round(rate * factor)}k`),
      params,
    ),
  )
}

/**
 * Parts as one: bytes add up, square errors and SSIM are means over frames. The encoder's description of itself counts
 * once: its 700 bytes are nothing in a large picture's segment and would be all there is to see in a small one's.
 */
export function sumOf(parts) {
  const frames = parts.reduce((sum, part) => sum + part.frames, 0)
  const mean = (value) => parts.reduce((sum, part) => sum + value(part) * part.frames, 0) / frames
  const sizes = parts.flatMap(({ sizes: [start, ...rest], textBytes }, place) => [
    place === 0 ? start : start - textBytes,
    ...rest,
  ])
  return {
    frames,
    sizes,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    psnr: -10 * Math.log10(mean(({ psnr }) => 10 ** (-psnr / 10))),
    ssim: mean(({ ssim }) => ssim),
    ...(parts.every(({ vmaf }) => vmaf !== undefined) ? { vmaf: mean(({ vmaf }) => vmaf) } : {}),
  }
}

export function qualityOf({ psnr, ssim, vmaf }) {
  return { psnr, ssim, ...(vmaf === undefined ? {} : { vmaf }) }
}

/**
 * How much larger a result is than the single run of its quality would be: the logarithm of the size is taken as linear
 * in quality between neighbouring runs, and SSIM in decibels.
 *
 * @param curve whole runs, from worse to better
 */
export function costAt(curve, result, name) {
  const scale = (one) => (name === 'ssim' ? -10 * Math.log10(1 - one.ssim) : one[name])
  const wanted = scale(result)
  const upper = Math.max(
    1,
    curve.findIndex((one, place) => place > 0 && (scale(one) >= wanted || place === curve.length - 1)),
  )
  const [low, high] = [curve[upper - 1], curve[upper]]
  const share = (wanted - scale(low)) / (scale(high) - scale(low))
  const log = Math.log(low.bytes) + share * (Math.log(high.bytes) - Math.log(low.bytes))
  return result.bytes / Math.exp(log) - 1
}

/**
 * What a decoder's buffer lacks (`-maxrate`, `-bufsize`), filled to nine tenths before the first frame as x264 has it.
 *
 * @returns the frames that come too late, and the most that was lacking as a share of the buffer; undefined without VBV
 */
export function underflow(params, sizes, secondsPerFrame) {
  const rate = /-maxrate (\d+)k/.exec(params)?.[1]
  const buffer = /-bufsize (\d+)k/.exec(params)?.[1]
  if (rate === undefined || buffer === undefined) return undefined
  const size = buffer * 1000
  let fill = 0.9 * size
  let frames = 0
  let most = 0
  for (const bytes of sizes) {
    fill -= bytes * 8
    if (fill < 0) {
      frames++
      most = Math.max(most, -fill / size)
      // The decoder waits until it is there.
      fill = 0
    }
    fill = Math.min(size, fill + rate * 1000 * secondsPerFrame)
  }
  return { frames, most }
}
