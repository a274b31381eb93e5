/**
 * The program in a few files instead of some six hundred modules, of which Node resolves one after the other: it starts in
 * less than half the time. Beside it lie the licences of the packages inside, as they ask for.
 */
import { chmod, copyFile, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const project = fileURLToPath(new URL('..', import.meta.url))
const directory = join(project, 'dist', 'bin')

await rm(directory, { recursive: true, force: true })
const bundle = await rolldown({ input: { ffswarm: join(project, 'dist', 'cli.js') }, platform: 'node' })
const { output } = await bundle.write({ dir: directory, chunkFileNames: '[name].js', minify: false })
await bundle.close()
await chmod(join(directory, 'ffswarm.js'), 0o755)

// What plays a stream in browsers that do not by themselves; the page of `ffswarm stream --serve` asks for it.
const player = join(project, 'node_modules', 'hls.js')
await copyFile(join(player, 'dist', 'hls.light.min.js'), join(directory, 'player.js'))

const modules = output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []))
const packages = new Set([player, ...modules.flatMap((id) => packageOf(id) ?? [])])
const licences = await Promise.all([...packages].sort().map(licenceOf))
await writeFile(join(directory, 'LICENSES.txt'), licences.join(`\n${'-'.repeat(80)}\n\n`))

/** The directory of the installed package that a module belongs to. */
function packageOf(id) {
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(id.replaceAll('\\', '/'))?.[0]
}

/** Its name, version and what it says of its licence. */
async function licenceOf(root) {
  const { name, version, license } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const files = (await readdir(root)).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file)).sort()
  const texts = await Promise.all(files.map((file) => readFile(join(root, file), 'utf8')))
  return [`${name} ${version}, ${license}`, ...texts.map((text) => text.trim())].join('\n\n').concat('\n')
}
