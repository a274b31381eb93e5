import { expect, test } from 'vitest'
import { wantedBuild, whyUnfit } from '../../src/node/coordinator/builds.ts'

const OURS = { parameterSets: 'SHA256:aa', encoder: 'Lavc59.37.100 libx265' }
const THEIRS = { parameterSets: 'SHA256:bb', encoder: 'Lavc61.3.100 libx265' }

test('the job’s build is this node’s own where it encodes; elsewhere the first segment decides', () => {
  expect(wantedBuild(OURS, true)).toBe(OURS)
  expect(wantedBuild(OURS, false)).toBeUndefined()
  expect(whyUnfit(THEIRS, undefined, 'libx265')).toBeUndefined()
})

test('a build is told by its parameter sets, not by its name', () => {
  expect(whyUnfit({ ...THEIRS, parameterSets: OURS.parameterSets }, OURS, 'libx265')).toBeUndefined()
  expect(whyUnfit({ ...OURS, parameterSets: THEIRS.parameterSets }, OURS, 'libx265')).toBeDefined()
})

test('the line names both builds, and --mixed-builds where that can help', () => {
  const text = whyUnfit(THEIRS, OURS, 'libx265')
  for (const part of [OURS.encoder, THEIRS.encoder, '--mixed-builds']) expect(text).toContain(part)
  expect(whyUnfit(THEIRS, OURS, 'ffv1')).not.toContain('--mixed-builds')
})
