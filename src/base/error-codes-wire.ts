import type { CatalogueEntry } from './catalogue-entry.ts'

/** Codes of what comes and goes over the wire: SIP, SDP, RTP, names, sound, speech. */
export const wireErrors = {
  'sip-message.framing': {
    meaning: 'The bytes are no SIP message: lines do not end in CRLF, the head has no end, or its text is not UTF-8.',
    remedy: 'Check what sends them; only SIP (RFC 3261) belongs on this port.',
  },
  'sip-message.start-line': {
    meaning: 'The first line is neither a legal Request-Line nor a legal Status-Line (RFC 3261 §7.1, §7.2).',
    remedy: 'The sender has to be corrected; the facts name the place.',
  },
  'sip-message.version': {
    meaning: 'The message speaks another version of SIP than 2.0.',
    remedy: 'The sender has to use SIP/2.0.',
  },
  'sip-message.header': {
    meaning: 'A header field is not written as its grammar asks (RFC 3261 §20, §25).',
    remedy: 'The sender has to be corrected; the facts name the header field and the place.',
  },
  'sip-message.header-missing': {
    meaning: 'A header field is missing which every message must have (RFC 3261 §8.1.1).',
    remedy: 'The sender has to add it; the facts name the header field.',
  },
  'sip-message.header-repeated': {
    meaning: 'A header field stands twice which may stand only once (RFC 3261 §7.3.1).',
    remedy: 'The sender has to be corrected; the facts name the header field.',
  },
  'sip-message.uri': {
    meaning: 'A URI is not written as its grammar asks (RFC 3261 §19.1).',
    remedy: 'The sender has to be corrected; special characters are written as %-escapes.',
  },
  'sip-message.content-length': {
    meaning: 'Content-Length is missing on a stream, not a plain number, or larger than what arrived.',
    remedy: 'The sender has to be corrected; over UDP look for a message cut on its way.',
  },
  'sip-message.too-large': {
    meaning: 'A message, a line, a URI or a count in it is larger than this server takes.',
    remedy: 'The sender has to send less; the facts name the bound.',
  },
  'sip-message.body': {
    meaning: 'A multipart body is not put together as RFC 2046 asks.',
    remedy: 'The sender has to be corrected.',
  },
  'media.file-not-found': {
    meaning: 'There is no such sound file.',
    remedy: 'Correct the path; relative ones start at the folder of the configuration.',
  },
  'media.file-unreadable': {
    meaning: 'A sound file is there but could not be read.',
    remedy: 'Give the user that runs Switchhook the right to read it; the cause names what the system said.',
  },
  'media.file-too-large': {
    meaning: 'A sound file is larger than a prompt may be.',
    remedy: 'Cut it, or save it as mono at 8,000 Hz: more is never heard on a telephone.',
  },
  'media.file-kind-unknown': {
    meaning: 'A sound file is neither WAV nor mp3 nor GSM full rate.',
    remedy: 'Convert it to WAV (any rate, mono or stereo).',
  },
  'media.audio-too-long': {
    meaning: 'A sound lasts longer than a prompt may.',
    remedy: 'Cut it, or play it in parts.',
  },
  'media.audio-empty': {
    meaning: 'A sound file is well formed but holds no audio.',
    remedy: 'Save it again; the program that wrote it was probably interrupted.',
  },
  'media.wav-malformed': {
    meaning: 'A WAV file is not put together as RIFF asks: its header, its format or its audio is missing or cut.',
    remedy: 'Save it again; the sentence says what is missing.',
  },
  'media.wav-unsupported': {
    meaning: 'A WAV file is whole, but in an encoding, rate or number of channels that is not read.',
    remedy: 'Save it as PCM of 8, 16, 24 or 32 bits, float, mu-law or A-law, 4 to 192 kHz, up to 8 channels.',
  },
  'media.mp3-malformed': {
    meaning: 'An mp3 file holds no frames that can be decoded.',
    remedy: 'Save it again, or convert it to WAV.',
  },
  'media.mp3-busy': {
    meaning: 'More recordings were asked for as mp3 at once than may wait for it.',
    remedy: 'Ask again a little later, or fetch the same link ending in .wav, which costs nothing.',
  },
  'media.mp3-failed': {
    meaning: 'A recording could not be turned into mp3: the disk did not take it, or the thread ended.',
    remedy: 'Look at the space under `data`; the same link ending in .wav gives the recording as it is.',
  },
  'media.rate-unsupported': {
    meaning: 'Audio came with a sample rate outside 4,000 to 192,000 Hz.',
    remedy: 'Convert it to a rate in between; 8,000 Hz is what a telephone hears.',
  },
  'media.prompts-busy': {
    meaning: 'More sounds were asked for at once than may wait to be prepared.',
    remedy: 'Look for a program that asks for a new file in every call; files that did not change are prepared once.',
  },
  'media.prompt-timed-out': {
    meaning: 'Preparing a sound took longer than it may.',
    remedy: 'Try the file alone; if it is whole and short, please report it.',
  },
  'media.prompts-stopped': {
    meaning: 'The thread that prepares sounds ended while it prepared this one, or was closed.',
    remedy: 'Ask again: it starts anew by itself. If it keeps ending, please report it with the log lines around it.',
  },
  'media.no-ports': {
    meaning: 'No pair of RTP ports was free for a call, so it was refused.',
    remedy:
      'Widen rtp.portRange, or look for what holds its ports; the figures of the media plane say how many are free.',
  },
  'media.cannot-start': {
    meaning: 'A media worker could not begin its work.',
    remedy: 'The sentence says why; mostly rtp.listen or rtp.portRange cannot be used.',
  },
  'sdp.malformed': {
    meaning: 'The session description breaks the grammar of RFC 8866.',
    remedy: 'The sentence names the line. Correct the telephone or gateway that wrote it.',
  },
  'sdp.too-large': {
    meaning: 'The session description is larger, or has more lines or streams, than is accepted.',
    remedy: 'The sentence names the bound. No telephone needs as much; look at what sent it.',
  },
  'sdp.no-common-codec': {
    meaning: 'The audio that is offered uses none of the codecs that Switchhook speaks.',
    remedy: 'Switch on PCMU (G.711 mu-law) or PCMA (G.711 A-law) in the telephone or trunk.',
  },
  'sdp.secure-media-only': {
    meaning: 'Audio is offered encrypted only (SRTP, or WebRTC), which this version does not speak.',
    remedy: 'Switch media encryption off, or to optional, in the telephone or trunk.',
  },
  'sdp.no-audio': {
    meaning: 'The session description has no audio stream that can be used.',
    remedy: 'Call with audio; Switchhook takes no video, fax or text.',
  },
  'sdp.unusable-address': {
    meaning: 'The address that media is to be sent to is no IP address of one host.',
    remedy: 'Make the telephone or trunk write its IP address, not a name, in the c= line.',
  },
  'sdp.address-family': {
    meaning: 'Media is offered on IPv6 where only IPv4 can be used here, or the other way round.',
    remedy: 'Let the telephone offer the family it signals by, or let Switchhook listen on both.',
  },
  'sdp.audio-refused': {
    meaning: 'The answer refuses the audio stream that was offered.',
    remedy: 'Nothing here: the other side takes calls without our audio only.',
  },
  'sdp.answer-mismatch': {
    meaning: 'The answer does not fit the offer: its streams are not those that were offered (RFC 3264 section 6).',
    remedy: 'Correct the telephone or gateway that answered.',
  },
  'rtp.bind-failed': {
    meaning: 'A UDP port for media could not be bound.',
    remedy: 'Another program may hold it; set rtp.portRange to a range that is free.',
  },
  'rtp.no-usable-port': {
    meaning: 'Not one pair of media ports of the configured range can be bound.',
    remedy: 'Check rtp.listen (is it an address of this machine?) and rtp.portRange.',
  },
  'speech.unavailable': {
    meaning: 'There is no voice to speak a text with.',
    remedy: 'Install the voice package, or record the text and name the recording in the configuration.',
  },
  'speech.timed-out': {
    meaning: 'The voice did not finish a text in time and was restarted.',
    remedy: 'Try again; when it keeps happening with one text, shorten it and report it.',
  },
  'speech.failed': {
    meaning: 'The voice could not speak a text.',
    remedy: 'Look at the log for what the voice said; try another text or voice.',
  },
  'speech.voice-unknown': {
    meaning: 'A program asked for a voice that the engine does not have.',
    remedy: 'Leave the voice out, or name one of espeak-ng: a language such as `vi`, with a variant such as `en+f3`.',
  },
  'speech.busy': {
    meaning: 'More texts wait for the voice than its queue holds.',
    remedy: 'Speak fewer new texts at once; texts that were spoken before come from the cache.',
  },
  'speech.text-unusable': {
    meaning: 'A text is empty, or longer than a voice may be asked to speak.',
    remedy: 'Shorten the text, or split it over several prompts.',
  },
  'transport.address-in-use': {
    meaning: 'A SIP port is taken by another program.',
    remedy: 'Stop that program, or give another port under `sip.listen`.',
  },
  'transport.address-unknown': {
    meaning: 'An address to listen on does not belong to this machine.',
    remedy: 'Correct `sip.listen`; 0.0.0.0 listens on every address.',
  },
  'transport.bind-failed': {
    meaning: 'A SIP socket could not be bound, for another reason than a port in use.',
    remedy: 'The sentence says what the system said; ports below 1024 need a right of their own.',
  },
  'transport.send-failed': {
    meaning: 'The system did not take a datagram.',
    remedy: 'Check the network and routes of this machine; the sentence names the peer.',
  },
  'transport.connection-lost': {
    meaning: 'A connection to a peer is gone and could not be used any more.',
    remedy: 'Nothing, when it is seldom; else look at the peer, or at a firewall that cuts idle connections.',
  },
  'transport.peer-too-slow': {
    meaning: 'A peer did not read what it was sent, and its connection was closed.',
    remedy: 'Look at the peer: it hangs, or its network is overloaded.',
  },
  'transport.connect-failed': {
    meaning: 'A connection to a peer could not be opened.',
    remedy: 'Check that the peer listens on TCP there and that no firewall is between.',
  },
  'transport.connect-timed-out': {
    meaning: 'A peer did not answer in time when a connection to it was opened.',
    remedy: 'Check the address of the peer and the firewalls between.',
  },
  'transport.too-many-connections': {
    meaning: 'A connection was not opened, because too many are open or the server is closing.',
    remedy: 'Look for what makes so many connections to different peers.',
  },
  'transport.no-socket': {
    meaning: 'No listening socket has the protocol and the address family that a peer needs.',
    remedy: 'Add one to `sip.listen`: UDP or TCP, IPv4 or IPv6, as the peer needs it.',
  },
  'locate.unsupported': {
    meaning: 'A request was to go to an address whose scheme or transport this version does not speak.',
    remedy: 'Use a sip: address, over udp or tcp.',
  },
  'locate.host-unknown': {
    meaning: 'The host of a SIP address, or the servers it names, have no address in DNS.',
    remedy: 'Check the spelling of the host, and that `sip.dns` names servers that know it.',
  },
  'locate.no-service': {
    meaning: 'A domain says in DNS that it takes no SIP calls over the transport in question (SRV target ".").',
    remedy: 'Ask the provider for the right address or transport.',
  },
  'locate.dns-failed': {
    meaning: 'DNS gave no answer: its servers cannot be reached, are too slow, or failed.',
    remedy: 'Check the DNS servers of this machine, or those in `sip.dns`; a trunk may also be given by IP address.',
  },
  'transaction.timer-b': {
    meaning: 'An INVITE of ours got no response at all (RFC 3261 timer B).',
    remedy: 'Check the address of the peer and the firewalls between; a trace shows whether the INVITE left.',
  },
  'transaction.timer-f': {
    meaning: 'A request of ours other than INVITE got no final response in time (RFC 3261 timer F).',
    remedy: 'Check the address of the peer and the firewalls between; the peer may also have gone in mid-call.',
  },
  'transaction.cancel-unanswered': {
    meaning: 'An INVITE of ours was cancelled, and the peer never gave it a final response (RFC 3261 section 9.1).',
    remedy: 'Nothing here: the peer does not end cancelled calls as it should.',
  },
  'transaction.response-refused': {
    meaning: 'A response was to be sent which the state of its transaction does not allow.',
    remedy: 'Most often two parts of a program answered one call; if not, please report it.',
  },
} as const satisfies Record<string, CatalogueEntry>
