import { expect, test } from 'vitest'
import { bubblewrapWords } from '../../src/node/sandbox/bubblewrap.ts'

const INIT = {
  ...{ bwrap: 'bwrap', program: '/usr/bin/ffmpeg', path: '/usr/bin/ffmpeg', userNamespace: true },
  ...{ keepsNetwork: false, system: { seen: ['/usr'], links: [] } },
}

test('an encoder on the graphics card sees the card, and no other does', () => {
  const words = (usesGpu?: boolean) => bubblewrapWords(INIT, { reads: [], usesGpu }).join(' ')
  expect(words(true)).toContain('--dev-bind-try /dev/dri /dev/dri')
  expect(words(true)).not.toMatch(/\/dev\/video[0-9]( |$)/)
  expect(words()).not.toMatch(/dev-bind|\/sys/)
})

test('a program outside of the system’s directories is seen, with the libraries beside it', () => {
  const program = '/home/me/ffmpeg/bin/ffmpeg'
  const words = bubblewrapWords({ ...INIT, program, path: program }, { reads: [] }).join(' ')
  expect(words).toContain('--ro-bind-try /home/me/ffmpeg/bin/ffmpeg /home/me/ffmpeg/bin/ffmpeg')
  expect(words).toContain('--ro-bind-try /home/me/ffmpeg/lib /home/me/ffmpeg/lib')
})
