import { describe, expect, it } from 'vitest'
import { loadSettings } from '../config/load.ts'
import { recordingPolicy } from './recording-policy.ts'

describe('whether a call is recorded', () => {
  it("is what the most demanding of its extensions wants, the tenant's word standing for those that say nothing", async () => {
    const text = `
tenants:
  acme:
    callRecording: { policy: "on-demand" }
    extensions:
      "101": { password: "secret-of-101", record: "off" }
      "137": { password: "secret-of-137", record: "on" }
      "138": { password: "secret-of-138" }
`
    const { tenants } = await loadSettings({ text, name: 'test.yaml', baseDir: '/', environment: {} })
    const acme = tenants.get('acme')
    if (!acme) throw new Error('the tenant is missing')
    expect(recordingPolicy(acme, ['101', null])).toBe('off')
    expect(recordingPolicy(acme, ['101', '138'])).toBe('on-demand')
    expect(recordingPolicy(acme, ['138', '137'])).toBe('on')
    // A number outside is nobody's extension, whatever it is called.
    expect(recordingPolicy(acme, [null, '999'])).toBe('off')
  })
})
