import { list, object, optional, required } from './compound-shapes.ts'
import { dialable, trunkName, trunkPassword } from './schema-apps.ts'
import * as values from './schema-values.ts'
import { flag, mapped, nullable, number, oneOf, parsedText, text } from './value-shapes.ts'

/** A way to the outside: a provider, another exchange, a gateway. */
export const trunk = mapped(
  object('a trunk', {
    uri: required(values.trunkUri, "The provider's address."),
    username: optional(nullable(text('the user name that the provider has given you')), null, 'For digest.'),
    password: optional(nullable(trunkPassword), null, 'For digest. Stored encrypted.'),
    register: optional(flag, false, 'Whether we register there, so that it knows where we are.'),
    expires: optional(
      number(60, 86_400, { unit: 'seconds' }),
      600,
      'How long a registration is to hold; the provider may shorten it.',
    ),
    from: optional(
      list(values.cidr, 'addresses or ranges', { isSingleAllowed: true }),
      [],
      'Addresses from which its calls are believed, no names: whoever answers for a name in DNS would get in. Where we register, the address that we are registered at is believed too, however `uri` names it.',
    ),
    authenticate: optional(
      flag,
      false,
      'Whether its calls must also prove `username` and `password`. Without `from` they may then come from anywhere.',
    ),
    proxy: optional(nullable(values.proxyUri), null, 'Outbound proxy through which everything to it goes.'),
    priority: optional(number(1, 1000), 1, 'Among the trunks of a rule, 1 is tried first.'),
    weight: optional(number(1, 1000), 1, 'Share of the calls among trunks of the same priority.'),
    maxCalls: optional(nullable(number(1, 100_000)), null, 'Outbound calls at the same time; `null`: any number.'),
    callsPerSecond: optional(
      nullable(number(0.01, 10_000, { isWhole: false })),
      null,
      'New outbound calls per second; `null`: any number.',
    ),
    numberFormat: optional(
      oneOf('e164', 'plain', 'national'),
      'e164',
      'How numbers are written to it: `+6560000001`, `6560000001`, or as dialled within `countryCode` (`0...`).',
    ),
    callerId: optional(
      nullable(dialable),
      null,
      "The number shown for callers who may show none; `null`: the tenant's first own number.",
    ),
    privacy: optional(
      oneOf('id', 'anonymous', 'never'),
      'id',
      'Callers who hide their number: told to the provider alone (RFC 3325), told to nobody, or not let out.',
    ),
    health: optional(
      number(0, 3600, { unit: 'seconds' }),
      30,
      'How often OPTIONS asks each of its hosts whether it is there; 0: never.',
    ),
    failoverMs: optional(
      number(500, 32_000, { unit: 'milliseconds' }),
      4000,
      'How long a host may be silent before the next one is tried.',
    ),
    redirects: optional(number(0, 5), 0, 'How many redirections (3xx) a call may follow.'),
  }),
  (read, node, reading) => {
    const hasCredentials = read.username !== null && read.password !== null
    if (read.register && !hasCredentials) {
      reading.report(node, 'Registering needs a user name and a password.', 'username and password, or register: false')
    }
    if (read.authenticate && !hasCredentials) {
      const expected = 'username and password, or authenticate: false'
      reading.report(node, 'There is nothing its calls could prove.', expected)
    }
    return read
  },
)

export const outboundRule = mapped(
  object('an outbound rule', {
    prefix: required(
      parsedText('+ and digits, or digits; empty for every number', outboundPrefix),
      'Of the number in E.164 where that is known. A short number (up to 6 digits) goes out only by a rule that is that number.',
    ),
    trunk: required(
      list(trunkName, 'trunks', { least: 1, isSingleAllowed: true }),
      'The trunk by which such numbers go out, or a list: then their `priority` and `weight` decide.',
    ),
  }),
  ({ prefix, trunk: names }) => ({ prefix, trunks: [...new Set(names)] }),
)

function outboundPrefix(value: string): string | undefined {
  return /^(\+?\d{0,15})$/.test(value) ? value : undefined
}
