import type { FlowCall } from '../../action/flow-call.ts'
import { sayDigits } from '../../action/playable.ts'
import type { TenantSettings, VoicenterAppSettings } from '../../config/settings.ts'
import type {
  CallAction,
  HangUpAction,
  IvrAction,
  LayerAction,
  MenuAction,
  SayDigitsAction,
  SilentRecordAction,
} from './actions.ts'
import { nameOfCause, refusalOf, textOfCause } from './causes.ts'
import { HandlerClient } from './client.ts'
import { type Collected, collect } from './collect.ts'
import { performCall } from './dial-action.ts'
import type { VoicenterParts } from './parts.ts'
import type { Session } from './session.ts'
import { Sounds } from './sounds.ts'
import { noMenu } from './wire.ts'

/** What follows an action. */
type Next =
  /** The handler is asked again, from this menu. */
  | { readonly kind: 'ask'; readonly menu: string; readonly collected: Collected }
  /** Nothing: the call is over, or goes on without the handler. */
  | { readonly kind: 'done' }
  | { readonly kind: 'trouble'; readonly sentence: string }

const done: Next = { kind: 'done' }
/** Between the apology and its end nobody is kept waiting. */
const apologyLimitMs = 15_000
/** How long a number stands in for a handler that fails. */
const fallbackDialSeconds = 30

/** One handler's say over one call: it is asked, what it wants is done, and it is asked again. */
export class Dialogue {
  readonly #call: FlowCall
  readonly #app: VoicenterAppSettings
  readonly #tenant: TenantSettings
  readonly #session: Session
  readonly #parts: VoicenterParts
  readonly #sounds: Sounds
  readonly #client: HandlerClient
  /** MENU and PREVIOUS_MENU of the next question. */
  #menu = noMenu
  #previousMenu = noMenu

  constructor(
    call: FlowCall,
    app: VoicenterAppSettings,
    tenant: TenantSettings,
    session: Session,
    parts: VoicenterParts,
  ) {
    this.#call = call
    this.#app = app
    this.#tenant = tenant
    this.#session = session
    this.#parts = parts
    this.#sounds = new Sounds(call, parts.recordings)
    this.#client = new HandlerClient({ http: parts.http, app, isTrusted: parts.isTrusted(tenant.name, app.url) })
  }

  async run(): Promise<void> {
    const call = this.#call
    if (call.isEnded) return
    const { name } = this.#app
    if (this.#session.hasFailed(name))
      return await this.#giveUp(`The call came back to app ${name}, whose handler had failed.`)
    if (this.#app.answerFirst) await call.answer()
    else if (!call.isAnswered) call.ring()
    let digits = ''
    while (!call.isEnded) {
      const next = await this.#turn(digits)
      if (call.isEnded || next.kind === 'done') return
      if (next.kind === 'trouble') return await this.#fail(next.sentence, null)
      this.#previousMenu = this.#menu
      this.#menu = next.menu
      digits = next.collected.digits
    }
  }

  /** One question, and what is done for its answer. */
  async #turn(digits: string): Promise<Next> {
    const call = this.#call
    const { uniqueId, callerId, callerName, did } = this.#session
    const [menu, previousMenu] = [this.#menu, this.#previousMenu]
    const question = { callerId, callerName, did, menu, previousMenu, digits, uniqueId }
    this.#session.wasAsked = true
    const asked = await this.#client.ask(question, call.signal)
    if (call.isEnded) return done
    if (asked.kind === 'trouble') {
      await this.#fail(asked.sentence, asked.answer)
      return done
    }
    const { action, language } = asked.instruction
    call.note('handlerAnswered', { action: action.kind, menu: 'menu' in action ? action.menu : null })
    for (const slip of asked.slips)
      call.note('handlerSlip', { kindness: slip.kindness, field: slip.field, what: slip.sentence })
    if (language !== null) call.language = language
    const spent = this.#session.countAnswer()
    return spent === null ? await this.#perform(action) : { kind: 'trouble', sentence: spent }
  }

  #perform(action: IvrAction): Promise<Next> {
    switch (action.kind) {
      case 'menu':
        return this.#menuAction(action)
      case 'sayDigits':
        return this.#sayDigitsAction(action)
      case 'call':
        return this.#callAction(action)
      case 'silentRecord':
        return this.#silentRecord(action)
      case 'layer':
        return this.#layerAction(action)
      case 'hangUp':
        return this.#hangUp(action)
    }
  }

  async #menuAction({ menu, collection }: MenuAction): Promise<Next> {
    await this.#call.answer()
    return { kind: 'ask', menu, collected: await collect(this.#collecting, collection) }
  }

  async #sayDigitsAction({ menu, collection, record, digits }: SayDigitsAction): Promise<Next> {
    await this.#call.answer()
    const spoken = digits === '' ? [] : [sayDigits(digits)]
    const lead = {
      once: [...this.#sounds.named(record), ...spoken],
      eachLoop: this.#app.sayDigitsEachLoop ? spoken : [],
    }
    return { kind: 'ask', menu, collected: await collect(this.#collecting, collection, lead) }
  }

  async #callAction(action: CallAction): Promise<Next> {
    const call = this.#call
    const end = await performCall({ ...this.#collecting, tenant: this.#tenant, ...this.#parts }, action)
    if (call.isEnded) return done
    if (end.kind === 'over') {
      await call.hangUp('normal')
      return done
    }
    const { result, sentence } = end
    if (action.next) {
      const { menu, collection } = action.next
      if (collection.size > 0 || collection.record !== null) await call.answer()
      return { kind: 'ask', menu, collected: await collect(this.#collecting, collection) }
    }
    // RFC 3398 §8.2.6.1: 603 may stand for cause 21 where it comes from the user itself.
    const isDeclined = result.status === 'BUSY' && result.cause === 21
    const status = isDeclined ? 603 : refusalOf(result.cause)
    await call.reject(nameOfCause(result.cause), {
      status,
      q850: result.cause,
      text: textOfCause(result.cause),
      sentence: `${sentence} The handler had named no next menu.`,
    })
    return done
  }

  async #silentRecord({ record, maxSeconds }: SilentRecordAction): Promise<Next> {
    const call = this.#call
    await call.answer()
    await this.#sounds.play(this.#sounds.named(record))
    await call.record({
      beep: false,
      maxDurationMs: maxSeconds * 1000,
      silenceMs: null,
      endKey: null,
      fileName: this.#session.uniqueId,
    })
    await call.hangUp('normal')
    return done
  }

  async #layerAction({ layer, record, loops, delaySeconds }: LayerAction): Promise<Next> {
    const call = this.#call
    const sounds = this.#sounds.named(record)
    if (record !== null) await call.answer()
    for (let loop = 1; loop <= loops && sounds.length > 0 && !call.isEnded; loop++) {
      const { outcome } = await this.#sounds.tolerantly(sounds, (prompt) =>
        call.gather({
          prompt,
          maxDigits: 1,
          endKey: null,
          firstDigitTimeoutMs: loop < loops ? delaySeconds * 1000 : 0,
        }),
      )
      if (outcome === 'digits') break
    }
    if (call.isEnded) return done
    const problem = await this.#runLayer(layer)
    return problem === null ? done : { kind: 'trouble', sentence: problem }
  }

  async #hangUp({ record, cause }: HangUpAction): Promise<Next> {
    const call = this.#call
    const told = { q850: cause, text: textOfCause(cause) }
    if (record !== null) {
      await call.answer()
      await this.#sounds.play(this.#sounds.named(record))
    }
    await call.reject(nameOfCause(cause), { status: refusalOf(cause), ...told })
    return done
  }

  /** Hands the call to what stands on a layer of the tenant. Returns what is wrong with the layer; null: it has had the call. */
  async #runLayer(layer: number): Promise<string | null> {
    const target = this.#tenant.layers.get(layer)
    if (!target) return `The handler sent the call to layer ${layer}, which tenant ${this.#tenant.name} does not have.`
    const app = target.kind === 'app' ? this.#tenant.apps.get(target.app) : undefined
    if (target.kind === 'app' && !app)
      return `Layer ${layer} leads to the app ${target.app}, which is not there any more.`
    if (!this.#session.mayEnterLayer()) return `The call goes from layer to layer in a circle, last to ${layer}.`
    const flow =
      target.kind === 'extension'
        ? this.#parts.flowOfExtension(target.extension, this.#tenant)
        : app && this.#parts.flowOf(app, this.#tenant)
    if (!flow) return `Layer ${layer} leads to an app that this server cannot run.`
    this.#call.note('layerEntered', { layer })
    await flow(this.#call)
    return null
  }

  /**
   * The handler has failed, and has no more say: the fallback takes the call; without one the caller hears that we are sorry,
   * or is refused.
   * @param answer - the beginning of what it answered.
   */
  async #fail(sentence: string, answer: string | null): Promise<void> {
    const call = this.#call
    const why = `The handler of app ${this.#app.name} failed: ${sentence}`
    this.#session.noteFailure(this.#app.name)
    call.noteProblem('handlerFailed', { why: sentence, answer })
    this.#parts.log.warn(
      { callId: call.id, tenant: this.#tenant.name, app: this.#app.name, why: sentence },
      'a handler failed',
    )
    if (this.#app.fallback) return await this.#fallBack(why)
    if (!call.isAnswered) {
      const refused = `${why} The call was refused with 503.`
      return await call.reject('flow-failed', { status: 503, q850: 41, text: textOfCause(41), sentence: refused })
    }
    await this.#apologise()
    await call.hangUp('flow-failed', {
      q850: 41,
      text: textOfCause(41),
      sentence: `${why} The caller heard an apology and was hung up.`,
    })
  }

  async #fallBack(why: string): Promise<void> {
    const call = this.#call
    const { fallback } = this.#app
    if (fallback?.kind === 'recording') {
      await call.answer()
      await this.#sounds.play(this.#sounds.named(fallback.recording))
      return await call.hangUp('flow-failed', {
        q850: 41,
        text: textOfCause(41),
        sentence: `${why} Its fallback recording was played.`,
      })
    }
    if (fallback?.kind === 'layer') {
      const problem = await this.#runLayer(fallback.layer)
      if (problem === null) return
      return await this.#giveUp(`${why} ${problem}`)
    }
    if (fallback?.kind !== 'number') return
    const { answeredBy, sentence } = await call.dial(fallback.number, { seconds: fallbackDialSeconds })
    if (call.isEnded) return
    if (answeredBy !== null) return await call.hangUp()
    await this.#giveUp(`${why} ${sentence}`)
  }

  /** Not even the fallback has taken it. */
  async #giveUp(sentence: string): Promise<void> {
    const call = this.#call
    if (call.isAnswered) await this.#apologise()
    await call.reject('flow-failed', { status: 503, q850: 41, text: textOfCause(41), sentence })
  }

  async #apologise(): Promise<void> {
    const limit = new AbortController()
    const cancel = this.#parts.clock.after(apologyLimitMs, () => limit.abort())
    await this.#sounds.apologise(limit.signal)
    cancel()
  }

  get #collecting() {
    return { call: this.#call, session: this.#session, sounds: this.#sounds, app: this.#app }
  }
}
