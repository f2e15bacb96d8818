import { type Playable, prompt } from '../../../action/playable.ts'

/** What the node says. The wording is ours; a tenant's recording of the same name is played in its place. */
const texts = {
  'vm-greet-default': {
    id: 'Nomor yang Anda hubungi tidak dapat menerima panggilan. Silakan tinggalkan pesan setelah nada.',
    en: 'The number you called cannot take your call. Please leave a message after the tone.',
  },
  'vm-tariff': {
    id: 'Anda akan dikenakan tarif panggilan sesuai ketentuan operator.',
    en: "You will be charged for this call at your operator's rate.",
  },
  'vm-saved': { id: 'Pesan tersimpan.', en: 'Your message has been saved.' },
  'vm-full': { id: 'Kotak pesan penuh.', en: 'The mailbox is full.' },
  'vm-mailbox-full': {
    id: 'Kotak pesan Anda penuh. Silakan hapus beberapa pesan.',
    en: 'Your mailbox is full. Please delete some messages.',
  },
  'vm-norecord': { id: 'Penerima tidak menerima pesan suara.', en: 'This subscriber does not accept voice messages.' },
  'vm-tooshort': {
    id: 'Pesan Anda terlalu pendek dan tidak disimpan.',
    en: 'Your message was too short and has not been saved.',
  },
  'vm-again': { id: 'Silakan coba lagi setelah nada.', en: 'Please try again after the tone.' },
  'vm-promo-press1': { id: 'Jika berminat, tekan satu.', en: 'If you are interested, press one.' },
  'vm-thanks': { id: 'Terima kasih.', en: 'Thank you.' },
  'vm-bye': { id: 'Sampai jumpa.', en: 'Goodbye.' },
  'vm-youhave': { id: 'Anda memiliki', en: 'You have' },
  'vm-new': { id: 'pesan baru.', en: 'new messages.' },
  'vm-new-one': { id: 'pesan baru.', en: 'new message.' },
  'vm-old': { id: 'pesan lama.', en: 'old messages.' },
  'vm-old-one': { id: 'pesan lama.', en: 'old message.' },
  'vm-none': { id: 'Tidak ada pesan.', en: 'You have no messages.' },
  'vm-main': {
    id: 'Tekan satu untuk pesan baru, dua untuk pesan lama, tiga untuk mengubah salam, empat untuk mengubah bahasa.',
    en: 'Press one for new messages, two for old messages, three to change your greeting, four to change the language.',
  },
  'vm-msgkeys': {
    id: 'Tekan lima untuk mengulang, enam untuk pesan berikutnya, tujuh untuk menghapus, sembilan untuk menyimpan.',
    en: 'Press five to repeat, six for the next message, seven to delete, nine to save.',
  },
  'vm-from': { id: 'Dari nomor', en: 'From number' },
  'vm-date': { id: 'tanggal', en: 'on' },
  'vm-from-unknown': { id: 'Dari nomor yang tidak diketahui.', en: 'From an unknown number.' },
  'vm-novoice': { id: 'Pesan ini belum tersedia.', en: 'This message is not available yet.' },
  'vm-deleted': { id: 'Pesan dihapus.', en: 'Message deleted.' },
  'vm-undeleted': { id: 'Pesan dikembalikan.', en: 'Message restored.' },
  'vm-kept': { id: 'Pesan disimpan sebagai pesan baru.', en: 'Message kept as new.' },
  'vm-forward': {
    id: 'Masukkan nomor tujuan, lalu tekan pagar.',
    en: 'Enter the number to forward to, then press hash.',
  },
  'vm-forwarded': { id: 'Pesan diteruskan.', en: 'Message forwarded.' },
  'vm-notforwarded': { id: 'Pesan tidak dapat diteruskan.', en: 'The message could not be forwarded.' },
  'vm-greetmenu': {
    id: 'Tekan satu untuk merekam salam, dua untuk mendengarkan, tiga untuk salam standar, empat untuk salam pribadi, lima untuk menghapus, bintang untuk kembali.',
    en: 'Press one to record your greeting, two to listen to it, three for the standard greeting, four for your own, five to delete it, star to go back.',
  },
  'vm-recgreet': {
    id: 'Rekam salam Anda setelah nada, lalu tekan pagar.',
    en: 'Record your greeting after the tone, then press hash.',
  },
  'vm-review': {
    id: 'Tekan satu untuk menyimpan, dua untuk mendengarkan, tiga untuk merekam ulang.',
    en: 'Press one to save, two to listen, three to record again.',
  },
  'vm-greetsaved': { id: 'Salam Anda tersimpan.', en: 'Your greeting has been saved.' },
  'vm-greetoff': { id: 'Salam standar digunakan.', en: 'The standard greeting is used.' },
  'vm-nogreeting': { id: 'Anda belum merekam salam.', en: 'You have not recorded a greeting.' },
  'vm-lang-ina': { id: 'Untuk Bahasa Indonesia tekan satu.', en: 'Untuk Bahasa Indonesia tekan satu.' },
  'vm-lang-eng': { id: 'For English press two.', en: 'For English press two.' },
  'vm-pin': { id: 'Masukkan PIN Anda, lalu tekan pagar.', en: 'Enter your PIN, then press hash.' },
  'vm-pinbad': { id: 'PIN salah.', en: 'Wrong PIN.' },
  'vm-noaccess': { id: 'Anda belum terdaftar.', en: 'You have no mailbox.' },
  'vm-error': { id: 'Layanan sedang terganggu.', en: 'The service is not available.' },
  'vm-invalid': { id: 'Pilihan salah.', en: 'Invalid choice.' },
} as const satisfies Record<string, Readonly<Record<'id' | 'en', string>>>

export type VoicemailText = keyof typeof texts

/** Every name there is: what a tenant may record. */
export const voicemailTextNames = Object.keys(texts) as readonly VoicemailText[]

/** One announcement, in a language. */
export function announcement(name: VoicemailText, language: 'id' | 'en'): Playable {
  // Both follow each other whatever the language of the call is, each in its own.
  if (name === 'vm-lang-ina') return prompt(name, texts[name].id, { language: 'id' })
  if (name === 'vm-lang-eng') return prompt(name, texts[name].en, { language: 'en' })
  return prompt(name, texts[name][language], { language })
}
