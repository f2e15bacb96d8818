import type { Device, ReachRequest } from '../call/reach.ts'
import type { TenantSettings } from '../config/settings.ts'
import type { Way } from '../leg/way.ts'
import type { RegisteredContact } from '../sip/registrar/registrar.ts'
import { nameAddress, peerText, sipUri } from './addresses.ts'
import { callerShown } from './caller-shown.ts'
import { identityFor, replacesHeader } from './identity-for.ts'
import { type LegShop, oneWayLeg } from './reach-parts.ts'

/** One registered telephone of an extension, as something that can ring. */
export function telephone(
  shop: LegShop,
  tenant: TenantSettings,
  extension: string,
  contact: RegisteredContact,
  request: ReachRequest,
  maxForwards: number,
): Device {
  const peer = contact.target.flow ?? contact.target.destination ?? null
  const heardFrom = `${contact.binding.via.protocol}:${contact.binding.via.remote}`
  const address = peer ? peerText(peer) : heardFrom
  const label = `${extension} (${address})`
  return {
    label,
    makeLeg: (role) => {
      const host = tenant.domain ?? (peer ? shop.addresses.host(peer) : 'localhost')
      const { contact: uri } = contact.binding
      const { from, headers } = identityFor(callerShown(tenant, request), request, { host, isTrusted: false }, uri)
      const way: Way = {
        label,
        uri,
        target: contact.target,
        from,
        to: nameAddress(null, sipUri(extension, host)),
        headers: [...headers, ...replacesHeader(request)],
        maxForwards,
      }
      const party = {
        user: extension,
        displayName: tenant.extensions.get(extension)?.name ?? null,
        extension,
        address,
        userAgent: contact.binding.userAgent,
      }
      return oneWayLeg(shop, role, party, way, { near: request.onBehalfOf, peer })
    },
  }
}
