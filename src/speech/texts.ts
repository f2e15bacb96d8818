import type { Language } from './types.ts'

/**
 * What Switchhook says of itself. Each text in each language; Hebrew with vowel points, since the voice cannot guess
 * them. A tenant's own prompts replace them where its program plays its own.
 */
const texts = {
  apology: {
    en: 'We are sorry, something went wrong. Please call again later.',
    id: 'Maaf, terjadi kesalahan. Silakan menelepon lagi nanti.',
    he: 'אֲנַחְנוּ מִצְטַעֲרִים, אֵרְעָה תַּקָּלָה. נָא לְהִתְקַשֵּׁר שׁוּב מְאוּחָר יוֹתֵר.',
    vi: 'Xin lỗi, đã có lỗi xảy ra. Xin vui lòng gọi lại sau.',
  },
  goodbye: { en: 'Goodbye.', id: 'Sampai jumpa.', he: 'לְהִתְרָאוֹת.', vi: 'Xin tạm biệt.' },
  tryAgain: {
    en: 'Please try again.',
    id: 'Silakan coba lagi.',
    he: 'נָא לְנַסּוֹת שׁוּב.',
    vi: 'Xin vui lòng thử lại.',
  },
  unknownKey: {
    en: 'That key has no meaning here.',
    id: 'Tombol itu tidak berfungsi di sini.',
    he: 'הַבְּחִירָה אֵינָהּ תַּקִּינָה.',
    vi: 'Phím này không có tác dụng ở đây.',
  },
  noInput: {
    en: 'We did not hear any key.',
    id: 'Kami tidak menerima tombol apa pun.',
    he: 'לֹא הֻקַּשׁ דָּבָר.',
    vi: 'Chúng tôi chưa nhận được phím nào.',
  },
  invalidEntry: {
    en: 'That entry is not valid.',
    id: 'Masukan itu tidak valid.',
    he: 'הַהַקָּשָׁה אֵינָהּ תַּקִּינָה.',
    vi: 'Nội dung vừa bấm không hợp lệ.',
  },
  confirmEntry: {
    en: 'If that is right, press one. To enter it again, press two.',
    id: 'Jika benar, tekan satu. Untuk mengulang, tekan dua.',
    he: 'לְאִישּׁוּר הַקִּישׁוּ אַחַת. לְהַקָּשָׁה חוֹזֶרֶת הַקִּישׁוּ שְׁתַּיִם.',
    vi: 'Nếu đúng, xin bấm một. Để bấm lại, xin bấm hai.',
  },
  afterBeep: {
    en: 'Please speak after the beep.',
    id: 'Silakan berbicara setelah bunyi bip.',
    he: 'נָא לְדַבֵּר אַחֲרֵי הַצְּלִיל.',
    vi: 'Xin hãy nói sau tiếng bíp.',
  },
  pleaseWait: {
    en: 'Please wait.',
    id: 'Mohon tunggu.',
    he: 'נָא לְהַמְתִּין.',
    vi: 'Xin vui lòng chờ.',
  },
  unknownNumber: {
    en: 'The number you have dialled is not in use.',
    id: 'Nomor yang Anda hubungi tidak terdaftar.',
    he: 'הַמִּסְפָּר שֶׁחִיַּגְתֶּם אֵינוֹ מְחוּבָּר.',
    vi: 'Số máy quý khách vừa gọi không có thực.',
  },
  notAvailable: {
    en: 'The person you are calling cannot take the call now.',
    id: 'Orang yang Anda hubungi tidak dapat menjawab saat ini.',
    he: 'הַמָּנוּי אֵינוֹ זָמִין כָּעֵת.',
    vi: 'Người quý khách gọi hiện không thể nghe máy.',
  },
  demoWelcome: {
    en: 'Welcome to Switchhook. To hear what this is, press one. To leave a message and hear it, press two. To have your digits read back, press three. For music, press nine. To hear this again, press zero.',
    id: 'Selamat datang di Switchhook. Untuk mendengar apa ini, tekan satu. Untuk meninggalkan pesan dan mendengarkannya, tekan dua. Untuk mendengar angka yang Anda tekan, tekan tiga. Untuk musik, tekan sembilan. Untuk mengulang, tekan nol.',
    he: 'בְּרוּכִים הַבָּאִים. כְּדֵי לִשְׁמוֹעַ בַּמֶּה מְדוּבָּר, הַקִּישׁוּ אַחַת. לְהַשְׁאָרַת הוֹדָעָה וְהַשְׁמָעָתָהּ, הַקִּישׁוּ שְׁתַּיִם. לְהַקְרָאַת סְפָרוֹת, הַקִּישׁוּ שָׁלוֹשׁ. לְמוּזִיקָה, הַקִּישׁוּ תֵּשַׁע. לִשְׁמִיעָה חוֹזֶרֶת, הַקִּישׁוּ אֶפֶס.',
    vi: 'Chào mừng quý khách đến với Switchhook. Để nghe giới thiệu, xin bấm một. Để lại lời nhắn và nghe lại, xin bấm hai. Để nghe lại các số đã bấm, xin bấm ba. Để nghe nhạc, xin bấm chín. Để nghe lại, xin bấm không.',
  },
  demoMenu: {
    en: 'What this is, press one. A message, press two. Your digits, press three. Music, press nine. To hear this again, press zero.',
    id: 'Apa ini, tekan satu. Pesan, tekan dua. Angka Anda, tekan tiga. Musik, tekan sembilan. Untuk mengulang, tekan nol.',
    he: 'בַּמֶּה מְדוּבָּר, הַקִּישׁוּ אַחַת. הוֹדָעָה, הַקִּישׁוּ שְׁתַּיִם. סְפָרוֹת, הַקִּישׁוּ שָׁלוֹשׁ. מוּזִיקָה, הַקִּישׁוּ תֵּשַׁע. לִשְׁמִיעָה חוֹזֶרֶת, הַקִּישׁוּ אֶפֶס.',
    vi: 'Giới thiệu, bấm một. Lời nhắn, bấm hai. Các số đã bấm, bấm ba. Nhạc, bấm chín. Để nghe lại, bấm không.',
  },
  demoAbout: {
    en: 'This is Switchhook. A program on this machine answered your call, spoke to you, and heard the key you pressed. You can write your own in a few lines.',
    id: 'Ini Switchhook. Sebuah program di mesin ini menjawab panggilan Anda, berbicara kepada Anda, dan menerima tombol yang Anda tekan. Anda dapat menulis program sendiri dalam beberapa baris.',
    he: 'תּוֹכְנָה בַּמַּחְשֵׁב הַזֶּה עָנְתָה לַשִּׂיחָה, דִּיבְּרָה אִתְּכֶם, וְקָלְטָה אֶת הַמַּקָּשׁ. אֶפְשָׁר לִכְתּוֹב תּוֹכְנָה כָּזוֹ בְּכַמָּה שׁוּרוֹת.',
    vi: 'Đây là Switchhook. Một chương trình trên máy này đã trả lời cuộc gọi, đã nói với quý khách và đã nhận phím quý khách bấm. Quý khách có thể tự viết chương trình chỉ trong vài dòng.',
  },
  demoRecord: {
    en: 'Please leave a message after the beep, and press hash when you are done.',
    id: 'Silakan tinggalkan pesan setelah bunyi bip, lalu tekan tombol pagar.',
    he: 'נָא לְהַשְׁאִיר הוֹדָעָה אַחֲרֵי הַצְּלִיל, וּבַסּוֹף לְהַקִּישׁ סוּלָמִית.',
    vi: 'Xin để lại lời nhắn sau tiếng bíp, rồi bấm phím thăng khi kết thúc.',
  },
  demoNothingHeard: {
    en: 'We did not hear anything.',
    id: 'Kami tidak mendengar apa pun.',
    he: 'לֹא שָׁמַעְנוּ דָּבָר.',
    vi: 'Chúng tôi không nghe thấy gì.',
  },
  demoYouSaid: { en: 'You said:', id: 'Anda mengatakan:', he: 'אֲמַרְתֶּם:', vi: 'Quý khách đã nói:' },
  demoDigits: {
    en: 'Please press some digits, and then hash.',
    id: 'Silakan tekan beberapa angka, lalu tombol pagar.',
    he: 'נָא לְהַקִּישׁ סְפָרוֹת, וּבַסּוֹף סוּלָמִית.',
    vi: 'Xin bấm một vài số, rồi bấm phím thăng.',
  },
  demoYouPressed: { en: 'You pressed:', id: 'Anda menekan:', he: 'הִקַּשְׁתֶּם:', vi: 'Quý khách đã bấm:' },
  demoMusic: {
    en: 'Here is the music on hold. Press any key to go back.',
    id: 'Inilah musik tunggu. Tekan tombol apa saja untuk kembali.',
    he: 'זוֹ מוּזִיקַת הַהַמְתָּנָה. לַחֲזָרָה הַקִּישׁוּ עַל מַקָּשׁ כָּלְשֶׁהוּ.',
    vi: 'Đây là nhạc chờ. Bấm phím bất kỳ để quay lại.',
  },
  echoIntroduction: {
    en: 'This is the echo test. After the beep you will hear what you say.',
    id: 'Ini uji gema. Setelah bunyi bip Anda akan mendengar apa yang Anda katakan.',
    he: 'זוֹ בְּדִיקַת הֵד. אַחֲרֵי הַצְּלִיל תִּשְׁמְעוּ אֶת מַה שֶּׁתֹּאמְרוּ.',
    vi: 'Đây là bài kiểm tra tiếng vọng. Sau tiếng bíp quý khách sẽ nghe thấy những gì mình nói.',
  },
} as const satisfies Record<string, Readonly<Record<Language, string>>>

export type SystemTextName = keyof typeof texts

/** Every name there is, for tests and for the page that lists what may be recorded. */
export const systemTextNames = Object.keys(texts) as readonly SystemTextName[]

/** What Switchhook says, in a language. */
export function systemText(name: SystemTextName, language: Language): string {
  return texts[name][language]
}
