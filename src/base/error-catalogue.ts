/** Who is expected to act on an error; decides how loudly it is logged. */
export type ErrorActor = 'peer' | 'network' | 'caller' | 'operator' | 'us'

export interface CatalogueEntry {
  /** What happened, in one sentence, without the facts of the single case. */
  readonly meaning: string
  /** What to do about it. */
  readonly remedy: string
}

/**
 * Every error code of the project, once. A code is `family-word.what-happened`. `docs/errors.md` is made from this
 * table by `npm run docs`, and a test checks that each code is thrown somewhere and each thrown code stands here.
 */
export const errorCatalogue = {
  'defect.assertion': {
    meaning: 'Switchhook found itself in a state that should be impossible.',
    remedy: 'This is a defect of ours: please report it with the log lines around it.',
  },
  'action.already-joined': {
    meaning: 'A caller was to be joined with somebody while it was joined with somebody else.',
    remedy: 'Wait for the outcome of the first `dial`, `bridge` or `transfer`, or end it by its signal.',
  },
  'action.dial-invalid': {
    meaning: 'What is to be dialled, or an option of it, cannot be used.',
    remedy: 'Name 1 to 20 destinations of at most 128 characters; the other bounds stand with the options of `dial`.',
  },
  'action.other-tenant': {
    meaning: 'A program wanted to join calls of two tenants.',
    remedy: 'Nothing of one tenant reaches another: have one call the other by a number instead.',
  },
  'action.not-answered': {
    meaning: 'A telephone was to be asked to transfer itself before its call was answered.',
    remedy: 'Answer the call first, or transfer with mode `bridge`.',
  },
  'action.digits-invalid': {
    meaning: 'Digits to be sent hold something that is no key of a telephone, or are too many.',
    remedy: 'Send 1 to 64 of 0-9, *, # and A-D.',
  },
  'action.call-over': {
    meaning: 'Something was to begin on a call that is over.',
    remedy: 'Look at `call.isEnded` before; nothing can be recorded of a call that has ended.',
  },
  'action.keys-invalid': {
    meaning: 'A table of keys names what is no key of a telephone, or a sequence that begins with another.',
    remedy: 'Use 1 to 4 of 0-9, *, #, A-D; where `*` stands alone, no other sequence can begin with it.',
  },
  'action.monitored-already': {
    meaning: 'A call that is being recorded as a whole was to be recorded so a second time.',
    remedy: 'Stop the first recording, or use it: the facts name it.',
  },
  'action.not-monitored': {
    meaning: 'The recording of a whole call was to be paused, resumed or stopped, and none is running.',
    remedy: 'Start it first; it ends by itself with the call, or at its longest length.',
  },
  'action.recording-unknown': {
    meaning: 'A program asked for a named recording that the tenant does not have.',
    remedy: 'Add it under `recordings` of the tenant, for the language of the call or for all.',
  },
  'room.already-in': {
    meaning: 'A call that is in a conference room was to come into a room.',
    remedy: 'Leave the first room: end its `conference` by its signal, then join.',
  },
  'room.member-unknown': {
    meaning: 'Nobody in the conference room has this id.',
    remedy: 'List the members with GET /api/v1/live/rooms/{tenant}/{name}; the id is gone once the member has left.',
  },
  'room.name-invalid': {
    meaning:
      'The name of a conference room is empty, too long, or holds other than letters, digits, blanks and `._@+-`.',
    remedy: 'Use 1 to 64 such characters, a letter or digit first.',
  },
  'room.size': {
    meaning: 'A conference room was to take more members than a room can, or none.',
    remedy: 'Give `max` as a whole number from 1 to 200.',
  },
  'room.too-many': {
    meaning: 'A tenant has as many conference rooms open as one may have.',
    remedy: 'Let rooms end, or use fewer names: each name is a room of its own.',
  },
  'room.unknown': {
    meaning: 'No conference room of this name is open. A room is there while somebody is in it.',
    remedy: 'List the rooms with GET /api/v1/live/rooms.',
  },
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
  'phone.press-invalid': {
    meaning: 'The keys for the test phone to press hold something that is no key.',
    remedy: 'Use 0-9, *, #, A-D, commas that wait, and ! in front for not waiting.',
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
  'http.unauthorized': {
    meaning: 'A request to the admin API carried no bearer token, or a wrong one.',
    remedy: 'Send `Authorization: Bearer TOKEN`; the token is in the configuration or in the data folder.',
  },
  'http.bad-request': {
    meaning: 'A request does not have the form that the API documents.',
    remedy: 'The sentence names the parameter or member; see /api/v1/openapi.json.',
  },
  'http.not-found': {
    meaning: 'There is nothing at this path.',
    remedy: 'See /api/v1/openapi.json for the paths there are.',
  },
  'http.too-many-requests': {
    meaning: 'An address sends more requests than it may, or too many with a wrong token.',
    remedy: 'Wait as long as Retry-After says.',
  },
  'http.address-in-use': {
    meaning: 'The HTTP port is taken by another program.',
    remedy: 'Stop that program, or give another port under `http.listen`.',
  },
  'outgoing.url-invalid': {
    meaning: 'A request was to go to an address that is no http or https address.',
    remedy: 'Correct the address; the sentence shows it without its credentials and the values of its query.',
  },
  'outgoing.header-invalid': {
    meaning: 'A request was to carry a header that HTTP does not allow, or that steers the connection.',
    remedy: 'Correct the name or the value: no line breaks, and none of Host, Content-Length, Connection and the like.',
  },
  'outgoing.address-refused': {
    meaning: 'An address that arrived over an API, or a redirect, leads into a private network.',
    remedy: 'If the receiver may be there, allow its range under `webhooks.allowPrivateAddresses`.',
  },
  'outgoing.name-unknown': {
    meaning: 'The host name of a receiver has no address in DNS.',
    remedy: 'Check the spelling, and that this machine can resolve the name.',
  },
  'outgoing.connect-failed': {
    meaning: 'A connection to a receiver was refused, or there is no way to it.',
    remedy: 'Check that the receiver runs and listens there, and the firewalls between.',
  },
  'outgoing.connect-timed-out': {
    meaning: 'A receiver did not take a connection in time.',
    remedy: 'Check the address of the receiver and the firewalls between.',
  },
  'outgoing.tls-failed': {
    meaning:
      'TLS could not be agreed on with a receiver: mostly its certificate is not trusted, or it speaks plain HTTP.',
    remedy: 'Correct the certificate, or name its authority in NODE_EXTRA_CA_CERTS.',
  },
  'outgoing.timed-out': {
    meaning: 'A receiver took the request and did not answer in time, or not to the end.',
    remedy: 'Look at the receiver: it should answer first and work afterwards.',
  },
  'outgoing.connection-lost': {
    meaning: 'A receiver closed the connection before its answer was whole.',
    remedy: 'Look at the log of the receiver, or of the proxy before it.',
  },
  'outgoing.answer-malformed': {
    meaning: 'A receiver answered with something that is not HTTP.',
    remedy: 'Check the port: another kind of server may listen there.',
  },
  'outgoing.answer-encoded': {
    meaning: 'A receiver compressed its answer although none had been asked for.',
    remedy: 'Let it heed Accept-Encoding: identity.',
  },
  'outgoing.redirect-refused': {
    meaning: 'A receiver redirected too often, to nowhere, or from https to http.',
    remedy: 'Configure the address at which the redirects end.',
  },
  'outgoing.busy': {
    meaning: 'A request was not sent because as many as may be are under way, to this receiver or in all.',
    remedy: 'Look for a receiver that answers slowly.',
  },
  'outgoing.stopped': {
    meaning: 'A request was given up: what it was for has ended, or the server stops.',
    remedy: 'Nothing.',
  },
  'store.database-setting': {
    meaning: 'The setting `database` is neither a SQLite file nor a PostgreSQL address.',
    remedy: 'Write sqlite:PATH or postgres://user:password@host:port/database.',
  },
  'store.in-use': {
    meaning: 'Another Switchhook already writes to this database.',
    remedy: 'Stop the other one, or give this one a database of its own.',
  },
  'store.schema-newer': {
    meaning: 'The database was brought forward by a newer version of Switchhook.',
    remedy: 'Start that version or a later one; the schema is never taken back.',
  },
  'store.migration-failed': {
    meaning: 'A step of the database schema could not be applied; the database is as it was before it.',
    remedy: 'Look at the cause: a table of the same name by another program, missing rights, or a full disk.',
  },
  'store.disk-full': {
    meaning: 'The disk that holds the database is full.',
    remedy: 'Free space; calls go on, and what could not be written is in the log.',
  },
  'store.disk-failed': {
    meaning: 'The operating system could not read or write the database file.',
    remedy: 'Check the disk and the mount; restore a copy if the file was damaged.',
  },
  'store.locked': {
    meaning: 'Another program kept the database locked for longer than we wait.',
    remedy: 'Close the program (a backup, a database shell with an open transaction) that holds it.',
  },
  'store.corrupted': {
    meaning: 'The database is damaged, or the file is no database.',
    remedy: 'Restore a copy, or move the file away and start with an empty one.',
  },
  'store.not-writable': {
    meaning: 'Switchhook lacks the right to create or write the database, or it is read-only.',
    remedy: 'Give the user that runs Switchhook the right to write the file and its folder, or the tables.',
  },
  'store.conflict': {
    meaning: 'A write broke a rule of the schema: a key that is taken, or a row whose owner is missing.',
    remedy: 'When an API call caused it, correct the call; otherwise please report it.',
  },
  'store.unreachable': {
    meaning: 'The database server cannot be reached or the connection to it was lost.',
    remedy: 'Check that it runs and that the address is right; Switchhook connects again by itself.',
  },
  'store.refused': {
    meaning: 'The database server refused user, password or database name.',
    remedy: 'Correct the setting `database`.',
  },
  'store.driver': {
    meaning: 'The database driver is compiled code, and was compiled for another version of Node.',
    remedy: 'Run `npm rebuild better-sqlite3` with the Node that is to run the server.',
  },
  'store.failed': {
    meaning: 'The database could not do what was asked, for a reason without a code of its own.',
    remedy: 'Look at the cause in the log; please report it if it comes again.',
  },
  'store.overloaded': {
    meaning: 'The database does not keep up: too much is waiting to be written or read.',
    remedy: 'Look at the disk or the database server; lower the allowed calls per second.',
  },
  'store.closed': {
    meaning: 'Something was to be written or read after the store was closed.',
    remedy: 'Nothing, while the server stops; otherwise please report it.',
  },
  'store.cursor': {
    meaning: 'The cursor of a page was not made by this API.',
    remedy: 'Send `nextCursor` of the page before, unchanged, or none.',
  },
  'store.range': {
    meaning: 'Statistics were asked for over too long a time, or in a time zone that does not exist.',
    remedy: 'Ask for fewer days, and name the time zone as in Asia/Singapore.',
  },
  'store.document-changed': {
    meaning: 'The entity was changed by somebody else since it was read.',
    remedy: 'Read it again, and repeat the change on what is there now.',
  },
  'store.document-taken': {
    meaning: 'The key is in use: the entity exists already, or the number belongs to another tenant.',
    remedy: 'Choose another key, or change the one that exists.',
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
  'config.invalid': {
    meaning: 'The configuration has problems; each is named with its file, line, key and what was expected.',
    remedy: 'Correct every problem that is listed, then run `switchhook check`.',
  },
  'config.keys-exposed': {
    meaning: 'A file of keys can be read by other users of the machine, and that could not be changed.',
    remedy: 'Give the data folder to the user that runs the server, and the file mode 600.',
  },
  'config.keys-unusable': {
    meaning: 'A file of keys in the data folder cannot be read or written, or holds something else.',
    remedy: 'Restore the file from a backup. Without it, stored SIP passwords must be set anew.',
  },
  'config.secret-unreadable': {
    meaning: 'A stored secret cannot be decrypted: it was encrypted with another key, or changed.',
    remedy: 'Restore the key file that belongs to the database, or set the secret anew.',
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
  'call.circling': {
    meaning: 'Calls from one number to another leave by a trunk, come back, and leave again.',
    remedy: 'Look which number is forwarded to which, here and at the provider; one of them leads back.',
  },
  'call.draining': {
    meaning: 'The server is being stopped and places no more calls.',
    remedy: 'Place it after the restart.',
  },
  'call.refused': {
    meaning: 'A call was not placed: the tenant is over its limits, or the server is overloaded.',
    remedy: 'Wait, or raise the limits of the tenant.',
  },
  'call.trunk-full': {
    meaning: 'No trunk for the number takes one more call: its bound on calls, or on new calls per second, is reached.',
    remedy:
      'Raise `maxCalls` or `callsPerSecond` of the trunk if the provider allows it, or add another trunk to the rule.',
  },
  'call.not-transferable': {
    meaning:
      'One of two who are joined was to be replaced by another, and it is not joined, or that is being done already.',
    remedy: 'Look at `bridge` and `parties` of GET /api/v1/live/calls/{id}; the journal of the call says more.',
  },
  'call.unknown': {
    meaning: 'No call has this id.',
    remedy: 'List the calls with GET /api/v1/calls; a live call is gone from /calls/live once it has ended.',
  },
  'recording.unknown': {
    meaning: 'No recording has this id, or what was asked of it is not possible yet.',
    remedy: 'List the recordings with GET /api/v1/recordings.',
  },
  'recording.file-gone': {
    meaning: 'The row of a recording is there and its file is not.',
    remedy: 'It was deleted, or the data folder was moved; look at `data` in the configuration.',
  },
  'recording.link-refused': {
    meaning: 'A link to a recording was changed on its way, or is too old.',
    remedy: 'Ask for a new one with recordingDownload or recordingListen.',
  },
  'event.unknown': {
    meaning: 'No event has this id, or it was delivered so long ago that it is forgotten.',
    remedy: 'List the events with GET /api/v1/events.',
  },
  'event.not-resendable': {
    meaning: 'An event was to be sent again that is being sent just now, or has its first turn still before it.',
    remedy: 'Wait for it: GET /api/v1/events/{id} says how it stands.',
  },
  'setting.unknown': {
    meaning: 'There is no such tenant, number, extension or app.',
    remedy: 'List them first; names are case-sensitive.',
  },
  'setting.from-file': {
    meaning: 'A change over the admin API touches something that the configuration file names, and the file wins.',
    remedy: 'Change it in the file, or remove it there first.',
  },
  'flow.unusable': {
    meaning: 'The module of an app cannot be loaded, or exports no flow.',
    remedy: 'Its default export must be a function that takes a call; the sentence holds the error of loading it.',
  },
  'tenant.unknown': {
    meaning: 'No tenant has this name, or it was not said which of several is meant.',
    remedy: 'Give the name of a tenant of the configuration.',
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
  'setting.in-use': {
    meaning: 'Something that is to be removed is still named by something else.',
    remedy: 'Remove or change first what names it; the sentence says which.',
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
  'voicemail.address-in-use': {
    meaning: 'The address of the voicemail service is in use by another program.',
    remedy: 'Stop that program, or give `voicemail.listen` another port; `null` serves over HTTP only.',
  },
  'voicemail.mailbox-unknown': {
    meaning: 'There is no such mailbox, or it is one of the configuration and cannot be removed.',
    remedy: 'List them with `GET /api/v1/mailboxes`; those of extensions stand in the configuration.',
  },
  'voicemail.message-unknown': {
    meaning: 'There is no such voicemail message, or it was deleted too long ago.',
    remedy: 'List them with `GET /api/v1/mailboxes/TENANT/OWNER/messages`.',
  },
  'voicemail.refused': {
    meaning: 'The voicemail service refused what was asked of it.',
    remedy: 'The message says what: the mailbox is full, takes no messages, or a field is wrong.',
  },
  'voicemail.voice-name': {
    meaning: 'The name of a voice is not one that the media store takes.',
    remedy:
      'Use 1 to 128 letters, digits, dots, dashes and underscores, beginning with no dot and without two dots in a row.',
  },
  'voicemail.voice-size': {
    meaning: 'A voice file is larger than the media store takes.',
    remedy: 'Send at most 64 MiB: an hour of telephone quality.',
  },
  'voicemail.voice-unknown': {
    meaning: 'There is no voice of that name in the media store.',
    remedy: 'Put it there first: `PUT /voicemail/media/NAME`.',
  },
} as const satisfies Record<string, CatalogueEntry>

export type ErrorCode = keyof typeof errorCatalogue
