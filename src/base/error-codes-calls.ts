import type { CatalogueEntry } from './catalogue-entry.ts'

/** Codes of calls and of the programs that run on them. */
export const callsErrors = {
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
  'phone.press-invalid': {
    meaning: 'The keys for the test phone to press hold something that is no key.',
    remedy: 'Use 0-9, *, #, A-D, commas that wait, and ! in front for not waiting.',
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
  'flow.unusable': {
    meaning: 'The module of an app cannot be loaded, or exports no flow.',
    remedy: 'Its default export must be a function that takes a call; the sentence holds the error of loading it.',
  },
  'tenant.unknown': {
    meaning: 'No tenant has this name, or it was not said which of several is meant.',
    remedy: 'Give the name of a tenant of the configuration.',
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
  'voicemail.tls-files': {
    meaning: 'The certificate or the key of the voicemail service cannot be used.',
    remedy:
      'The sentence names the file: `voicemail.tls` wants PEM files that belong together and that Switchhook may read.',
  },
  'voicemail.voice-empty': {
    meaning: 'A voice file without a byte was to be stored.',
    remedy: 'Send the sound as the body; nothing was replaced.',
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
