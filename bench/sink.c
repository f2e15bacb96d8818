/*
 * The ear of the load generator: receives RTP of all calls on one UDP port with kernel time stamps, and speaks when told.
 *
 *   sink PORT
 *
 * Commands on standard input, one a line:
 *   talk PORT SSRC        sends 20 ms PCMU silence frames to 127.0.0.1:PORT until `hush`, paced by deadline
 *   shout PORT SSRC       the same with sound in them
 *   stamp PORT SSRC       the same with the time of sending in them: who hears them undecoded tells how long they took
 *   hush PORT
 *   digit PORT SSRC KEY   one RFC 4733 key press (payload type 101), 100 ms and three end packets, sent to PORT
 *   reset                 forgets what was received
 *   report                prints one line of JSON over all streams
 *   quit
 * Prints `M SOURCE_PORT NANOSECONDS SSRC` for each packet that begins a prompt: it has the marker bit, or its first sample
 * is another one than the last packet's (the prompts of the bench are constant, each with a value of its own).
 *
 * A packet's lateness is measured against its own stream: arrival minus (first arrival + its RTP timestamp's distance);
 * a stream begins anew at each marker. Gaps are between neighbours of one stream. The delay of a stamped packet is arrival
 * minus what is written in it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define STREAMS 65536
#define BUCKETS 200000 /* 10 us each: up to 2 s */
#define BATCH 64
/* In front of the time in a stamped payload. */
#define STAMP "stamped:"
#define STAMP_BYTES 16

struct stream {
  uint32_t ssrc;
  int used;
  int64_t first_ns;
  uint32_t first_ts;
  int64_t last_ns;
  uint16_t last_seq;
  int64_t min_transit_ns;
  uint8_t sample;
};

struct talker {
  int active;
  uint16_t port;
  uint32_t ssrc;
  uint16_t seq;
  uint32_t ts;
  int64_t due_ns;
  /* A key press under way: packets left, 0 for none. */
  int event_left;
  int event_step;
  int key;
  uint32_t event_ts;
  int is_talking;
  int is_shouting;
  int is_stamping;
};

static struct stream streams[STREAMS];
static struct talker talkers[65536];
static uint16_t active_ports[65536];
static int active_count;
static uint32_t lateness[BUCKETS + 1];
static uint32_t gaps[BUCKETS + 1];
static uint32_t delays[BUCKETS + 1];
static uint64_t sent, stamped;
static int64_t longest_delay_ns;
static uint64_t packets, lost, stream_count;
static int64_t latest_ns, widest_gap_ns;
static int sock;

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static struct stream *find_stream(uint32_t ssrc) {
  uint32_t at = (ssrc * 2654435761u) % STREAMS;
  for (int i = 0; i < STREAMS; i++) {
    struct stream *s = &streams[(at + i) % STREAMS];
    if (!s->used || s->ssrc == ssrc) return s;
  }
  return NULL;
}

static void count_in(uint32_t *histogram, int64_t ns) {
  int64_t bucket = ns < 0 ? 0 : ns / 10000;
  histogram[bucket > BUCKETS ? BUCKETS : bucket]++;
}

static void take(const uint8_t *p, int length, const struct sockaddr_in *from, int64_t at_ns) {
  if (length < 12 || (p[0] >> 6) != 2) return;
  int marker = p[1] >> 7, type = p[1] & 127;
  if (type != 0 && type != 8) return;
  uint16_t seq = (uint16_t)(p[2] << 8 | p[3]);
  uint32_t ts = (uint32_t)p[4] << 24 | p[5] << 16 | p[6] << 8 | p[7];
  uint32_t ssrc = (uint32_t)p[8] << 24 | p[9] << 16 | p[10] << 8 | p[11];
  if (length >= 12 + STAMP_BYTES && memcmp(p + 12, STAMP, 8) == 0) {
    int64_t sent_ns;
    memcpy(&sent_ns, p + 20, sizeof sent_ns);
    int64_t delay = at_ns - sent_ns;
    count_in(delays, delay);
    stamped++;
    if (delay > longest_delay_ns) longest_delay_ns = delay;
  }
  struct stream *s = find_stream(ssrc);
  if (!s) return;
  packets++;
  if (marker || (s->used && length > 12 && p[12] != s->sample)) printf("M %u %lld %u\n", ntohs(from->sin_port), (long long)at_ns, ssrc);
  if (!s->used || marker) {
    if (!s->used) stream_count++;
    else lost += (uint16_t)(seq - s->last_seq - 1);
    s->used = 1;
    s->ssrc = ssrc;
    s->first_ns = at_ns;
    s->first_ts = ts;
    s->min_transit_ns = 0;
  } else {
    int64_t due = s->first_ns + (int64_t)(int32_t)(ts - s->first_ts) * 125000;
    int64_t late = at_ns - due;
    /* The first packet of a prompt may itself be late: the earliest seen is the measure from then on. */
    if (late < s->min_transit_ns) s->min_transit_ns = late;
    late -= s->min_transit_ns;
    count_in(lateness, late);
    if (late > latest_ns) latest_ns = late;
    int64_t gap = at_ns - s->last_ns;
    count_in(gaps, gap);
    if (gap > widest_gap_ns) widest_gap_ns = gap;
    uint16_t missing = (uint16_t)(seq - s->last_seq - 1);
    if (missing < 1000) lost += missing;
  }
  s->last_ns = at_ns;
  s->last_seq = seq;
  if (length > 12) s->sample = p[12];
}

static void receive_all(void) {
  static uint8_t data[BATCH][512];
  static uint8_t control[BATCH][128];
  static struct sockaddr_in from[BATCH];
  struct mmsghdr msgs[BATCH];
  struct iovec iov[BATCH];
  for (;;) {
    for (int i = 0; i < BATCH; i++) {
      iov[i] = (struct iovec){data[i], sizeof data[i]};
      msgs[i].msg_hdr = (struct msghdr){&from[i], sizeof from[i], &iov[i], 1, control[i], sizeof control[i], 0};
    }
    int n = recvmmsg(sock, msgs, BATCH, MSG_DONTWAIT, NULL);
    if (n <= 0) return;
    for (int i = 0; i < n; i++) {
      int64_t at = 0;
      for (struct cmsghdr *c = CMSG_FIRSTHDR(&msgs[i].msg_hdr); c; c = CMSG_NXTHDR(&msgs[i].msg_hdr, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
          struct timespec t;
          memcpy(&t, CMSG_DATA(c), sizeof t);
          at = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
        }
      take(data[i], (int)msgs[i].msg_len, &from[i], at ? at : now_ns());
    }
    if (n < BATCH) return;
  }
}

static void send_frame(struct talker *t) {
  uint8_t p[172];
  int length = 172;
  memset(p + 12, 0xff, 160);
  /* 500 Hz, square, half of the scale. */
  if (t->is_shouting) for (int i = 0; i < 160; i++) p[12 + i] = (i & 8) ? 0x10 : 0x90;
  p[0] = 0x80;
  p[1] = 0;
  uint32_t ts = t->ts;
  if (t->event_left > 0) {
    int is_end = t->event_left <= 3;
    if (!is_end || t->event_left == 3) t->event_step++;
    uint16_t duration = (uint16_t)(160 * t->event_step);
    p[1] = 101 | (t->event_step == 1 ? 0x80 : 0);
    ts = t->event_ts;
    p[12] = (uint8_t)t->key;
    p[13] = (uint8_t)((is_end ? 0x80 : 0) | 10);
    p[14] = duration >> 8;
    p[15] = duration & 255;
    length = 16;
    t->event_left--;
  }
  p[2] = t->seq >> 8;
  p[3] = t->seq & 255;
  p[4] = ts >> 24; p[5] = ts >> 16; p[6] = ts >> 8; p[7] = ts;
  p[8] = t->ssrc >> 24; p[9] = t->ssrc >> 16; p[10] = t->ssrc >> 8; p[11] = t->ssrc;
  t->seq++;
  t->ts += 160;
  sent++;
  if (t->is_stamping && length == 172) {
    int64_t at = now_ns();
    memcpy(p + 12, STAMP, 8);
    memcpy(p + 20, &at, sizeof at);
  }
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(t->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  sendto(sock, p, length, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof to);
}

static int64_t send_due(void) {
  int64_t next = INT64_MAX;
  for (int i = 0; i < active_count; i++) {
    struct talker *t = &talkers[active_ports[i]];
    while (t->active && t->due_ns <= now_ns()) {
      send_frame(t);
      t->due_ns += 20000000;
      if (!t->is_talking && t->event_left == 0) t->active = 0;
    }
    if (!t->active) { active_ports[i--] = active_ports[--active_count]; continue; }
    if (t->due_ns < next) next = t->due_ns;
  }
  return next;
}

static struct talker *start(unsigned port, unsigned ssrc) {
  struct talker *t = &talkers[port & 65535];
  if (!t->active) {
    int known = t->ssrc == ssrc && t->ts != 0;
    uint16_t seq = t->seq;
    uint32_t ts = t->ts;
    memset(t, 0, sizeof *t);
    t->active = 1;
    t->port = (uint16_t)port;
    t->ssrc = ssrc;
    t->seq = known ? seq : (uint16_t)ssrc;
    t->ts = known ? ts + 8000 : ssrc;
    /* Spread over the 20 ms by the port, as real callers are. */
    t->due_ns = now_ns() + (port * 7919 % 20) * 1000000;
    active_ports[active_count++] = (uint16_t)port;
  }
  return t;
}

static double percentile(const uint32_t *histogram, double share) {
  uint64_t total = 0, sum = 0;
  for (int i = 0; i <= BUCKETS; i++) total += histogram[i];
  if (total == 0) return -1;
  for (int i = 0; i <= BUCKETS; i++) {
    sum += histogram[i];
    if (sum >= share * total) return i / 100.0;
  }
  return BUCKETS / 100.0;
}

static void command(char *line) {
  unsigned port, ssrc, key;
  if (sscanf(line, "talk %u %u", &port, &ssrc) == 2) start(port, ssrc)->is_talking = 1;
  else if (sscanf(line, "shout %u %u", &port, &ssrc) == 2) { struct talker *t = start(port, ssrc); t->is_talking = t->is_shouting = 1; }
  else if (sscanf(line, "stamp %u %u", &port, &ssrc) == 2) { struct talker *t = start(port, ssrc); t->is_talking = t->is_stamping = 1; }
  else if (sscanf(line, "hush %u", &port) == 1) { talkers[port & 65535].is_talking = 0; if (talkers[port & 65535].event_left == 0) talkers[port & 65535].active = 0; }
  else if (sscanf(line, "digit %u %u %u", &port, &ssrc, &key) == 3) {
    struct talker *t = start(port, ssrc);
    t->key = (int)key;
    t->event_left = 5 + 3;
    t->event_step = 0;
    t->event_ts = t->ts;
  } else if (strncmp(line, "reset", 5) == 0) {
    memset(streams, 0, sizeof streams);
    memset(lateness, 0, sizeof lateness);
    memset(gaps, 0, sizeof gaps);
    memset(delays, 0, sizeof delays);
    packets = lost = stream_count = sent = stamped = 0;
    latest_ns = widest_gap_ns = longest_delay_ns = 0;
  } else if (strncmp(line, "report", 6) == 0) {
    uint64_t over40 = 0;
    for (int i = 4001; i <= BUCKETS; i++) over40 += gaps[i];
    printf("R {\"streams\":%llu,\"packets\":%llu,\"lost\":%llu,\"lateP50Ms\":%.2f,\"lateP99Ms\":%.2f,\"lateP999Ms\":%.2f,\"lateMaxMs\":%.2f,\"gapMaxMs\":%.2f,\"gapsOver40Ms\":%llu,\"sent\":%llu,\"stamped\":%llu,\"delayP50Ms\":%.2f,\"delayP99Ms\":%.2f,\"delayMaxMs\":%.2f}\n",
      (unsigned long long)stream_count, (unsigned long long)packets, (unsigned long long)lost, percentile(lateness, 0.5),
      percentile(lateness, 0.99), percentile(lateness, 0.999), latest_ns / 1e6, widest_gap_ns / 1e6, (unsigned long long)over40,
      (unsigned long long)sent, (unsigned long long)stamped, percentile(delays, 0.5), percentile(delays, 0.99), longest_delay_ns / 1e6);
  } else if (strncmp(line, "quit", 4) == 0) exit(0);
}

int main(int argc, char **argv) {
  if (argc != 2) { fprintf(stderr, "usage: sink PORT\n"); return 2; }
  sock = socket(AF_INET, SOCK_DGRAM, 0);
  int on = 1, size = 64 * 1024 * 1024;
  setsockopt(sock, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  if (setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size)) setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  struct sockaddr_in me = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(sock, (struct sockaddr *)&me, sizeof me)) { perror("sink: bind"); return 1; }
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("ready\n");
  char line[256];
  int length = 0;
  for (;;) {
    int64_t next = send_due();
    int64_t wait = next == INT64_MAX ? 1000 : (next - now_ns()) / 1000000;
    struct pollfd fds[2] = {{sock, POLLIN, 0}, {0, POLLIN, 0}};
    poll(fds, 2, wait < 0 ? 0 : wait > 1000 ? 1000 : (int)wait);
    if (fds[0].revents & POLLIN) receive_all();
    if (fds[1].revents & (POLLIN | POLLHUP)) {
      char c[4096];
      ssize_t n = read(0, c, sizeof c);
      if (n <= 0) return 0;
      for (ssize_t i = 0; i < n; i++) {
        if (c[i] == '\n' || length == sizeof line - 1) { line[length] = 0; command(line); length = 0; }
        else line[length++] = c[i];
      }
    }
  }
}
