export {
  bindDatagramPort,
  type DatagramListener,
  type DatagramPort,
  type DatagramPortOptions,
} from './datagram-port.ts'
export { eventOfKey, eventPayloadBytes, keyOfEvent, type TelephoneKey, writeEventPayload } from './event-payload.ts'
export { type EventListener, EventReceiver } from './event-receiver.ts'
export { type EventFrame, EventSender, type EventSenderOptions } from './event-sender.ts'
export { type FrameKind, frameSamples, JitterBuffer, type JitterBufferOptions } from './jitter-buffer.ts'
export { Latch, type LatchOptions, type LatchVerdict, type SignalledSource } from './latching.ts'
export { newRtpHeader, type RtpHeader, readRtpHeader, rtpHeaderBytes, writeRtpHeader } from './packet.ts'
export { type PortPair, PortPool, type PortPoolOptions } from './port-pool.ts'
export { ReceiveStatistics, type ReceptionReport } from './receive-statistics.ts'
export { maxCompoundBytes, type RtcpContents, readRtcp } from './rtcp-packet.ts'
export { newSendStatistics, RtcpReporter, type RtcpReporterOptions, type SendStatistics } from './rtcp-reporter.ts'
export { sequenceDistance, timestampDistance } from './sequence.ts'
