/* The kernel log: followed, bounded by credit, across connections. */
#include <sys/socket.h>

#include "harness.h"

static void log_line(int kmsg, unsigned priority, unsigned long sequence, const char *rest) {
  char line[12000];
  int length = snprintf(line, sizeof line, "%u,%lu,%lu,%s", priority, sequence, sequence * 1000, rest);
  while (send(kmsg, line, (size_t)length, 0) < 0) {
    usleep(1000); /* the socket is full */
  }
}

static struct reply follow(struct peer *control, uint32_t start, uint32_t credit) {
  struct bytes payload = {0};
  put_u32(&payload, start);
  put_u32(&payload, credit);
  return peer_call(control, PV_FOLLOW_LOG, &payload);
}

static void send_u32(struct peer *control, uint8_t type, uint32_t value) {
  struct bytes payload = {0};
  put_u32(&payload, value);
  peer_request(control, type, &payload);
}

/* What was received: the texts of all records, and the counts of the messages. */
struct log {
  struct bytes texts; /* each followed by a newline */
  uint64_t next, lost;
  uint32_t token;
  size_t records, messages;
};

static bool log_take(struct log *log, const struct reply *reply) {
  if (reply->type != PV_LOG_RECORDS || reply->payload.length < 12) {
    return false;
  }
  log->messages++;
  log->lost += get_u64(&reply->payload, 0);
  log->token = get_u32(&reply->payload, 8);
  for (size_t at = 12; at + PV_RECORD_HEADER_SIZE <= reply->payload.length;) {
    size_t length = reply->payload.data[at + 19] | (size_t)reply->payload.data[at + 20] << 8;
    put(&log->texts, reply->payload.data + at + PV_RECORD_HEADER_SIZE, length);
    put_u8(&log->texts, '\n');
    log->next = get_u64(&reply->payload, at) + 1;
    log->records++;
    at += PV_RECORD_HEADER_SIZE + length;
  }
  return true;
}

/* Receives messages until one has a token. */
static void log_await_token(struct peer *control, struct log *log, uint32_t token) {
  struct reply reply;
  do {
    reply = peer_receive(control);
    CHECK(log_take(log, &reply));
    free(reply.payload.data);
  } while (reply.type == PV_LOG_RECORDS && log->token == 0);
  CHECK(log->token == token);
}

static bool is_log(const struct log *log, const char *texts) {
  return log->texts.length == strlen(texts) && memcmp(log->texts.data, texts, log->texts.length) == 0;
}

static void check_records(bool link) {
  int kmsg;
  struct agent_under_test agent = agent_start_with_log(link, &kmsg);
  struct log log = {0};
  log_line(kmsg, 6, 1, "-;first\n");
  log_line(kmsg, 4, 2, "-,caller=T1;second; with a semicolon\n SUBSYSTEM=pci\n DEVICE=+pci:0000\n");
  log_line(kmsg, 14, 3, "c;tab\\x09newline\\x0abackslash\\x5cx41 broken\\x4 \\xzz\n");
  CHECK(follow(&agent.control, PV_FOLLOW_OLDEST, 1 << 20).type == PV_DONE);
  send_u32(&agent.control, PV_LOG_SYNC, 7);
  log_await_token(&agent.control, &log, 7);
  CHECK(log.records == 3 && log.lost == 0 && log.next == 4);
  CHECK(is_log(&log, "first\nsecond; with a semicolon\ntab\tnewline\nbackslash\\x41 broken\\x4 \\xzz\n"));
  /* Then as they come, each field in its place. */
  log_line(kmsg, 14, 4, "c;user\n");
  struct reply reply = peer_receive(&agent.control);
  CHECK(reply.type == PV_LOG_RECORDS && reply.payload.length == 12 + 21 + 4);
  CHECK(get_u64(&reply.payload, 12) == 4 && get_u64(&reply.payload, 20) == 4000);
  CHECK((get_u32(&reply.payload, 28) & 0xffff) == 14 && reply.payload.data[30] == PV_RECORD_FRAGMENT);
  /* What is no record is skipped; a long text is cut. */
  char *text = malloc(9000);
  memset(text, 'x', 8999);
  memcpy(text, "-;", 2);
  text[8999] = 0;
  log_line(kmsg, 6, 5, text);
  send(kmsg, "nonsense", 8, 0);
  send(kmsg, "6,7,", 4, 0);
  log_line(kmsg, 6, 8, "-;last\n");
  log = (struct log){0};
  send_u32(&agent.control, PV_LOG_SYNC, 8);
  log_await_token(&agent.control, &log, 8);
  CHECK(log.records == 2 && log.lost == 2 && log.texts.length == PV_MAX_RECORD_TEXT + 1 + 5);
  free(text);
  send_u32(&agent.control, PV_LOG_SYNC, 9); /* nothing new */
  log_await_token(&agent.control, &log, 9);
  CHECK(agent_alive(&agent.control));
  CHECK(agent_stop(&agent));
  close(kmsg);
}

/* Without credit nothing is read; requests are answered while the log floods. */
static void check_credit(bool link) {
  int kmsg;
  struct agent_under_test agent = agent_start_with_log(link, &kmsg);
  struct log log = {0};
  CHECK(follow(&agent.control, PV_FOLLOW_OLDEST, 0).type == PV_DONE);
  log_line(kmsg, 6, 1, "-;one\n");
  CHECK(peer_receive_on(&agent.control, 0, 50).type == -2);
  send_u32(&agent.control, PV_LOG_CREDIT, 1); /* one message may exceed it */
  struct reply reply = peer_receive(&agent.control);
  CHECK(log_take(&log, &reply) && is_log(&log, "one\n"));
  log_line(kmsg, 6, 2, "-;two\n");
  CHECK(peer_receive_on(&agent.control, 0, 50).type == -2);
  CHECK(agent_alive(&agent.control));
  send_u32(&agent.control, PV_LOG_SYNC, 5);
  send_u32(&agent.control, PV_LOG_CREDIT, 1 << 16);
  log_await_token(&agent.control, &log, 5);
  CHECK(is_log(&log, "one\ntwo\n"));
  /* A flood: the messages are bounded, and other requests go on. */
  for (unsigned long i = 3; i < 5000; i++) {
    if (log.records + 200 < i) {
      reply = peer_receive(&agent.control);
      CHECK(log_take(&log, &reply) && reply.payload.length <= 32768);
      send_u32(&agent.control, PV_LOG_CREDIT, (uint32_t)reply.payload.length);
      free(reply.payload.data);
    }
    log_line(kmsg, 6, i, "-;a line of the flood, which has some length of its own so that buffers fill up\n");
  }
  send_u32(&agent.control, PV_LOG_CREDIT, 1 << 24);
  send_u32(&agent.control, PV_LOG_SYNC, 6);
  log.token = 0;
  log_await_token(&agent.control, &log, 6);
  CHECK(log.records == 4999 && log.lost == 0);
  CHECK(agent_alive(&agent.control) && agent_alive(&agent.main));
  CHECK(agent_stop(&agent));
  close(kmsg);
}

/* A later connection goes on where the earlier one stopped, also after QUIESCE. */
static void check_sessions(void) {
  int kmsg;
  struct agent_under_test agent = agent_start_with_log(true, &kmsg);
  struct log log = {0};
  log_line(kmsg, 6, 10, "-;before\n");
  CHECK(follow(&agent.control, PV_FOLLOW_CONTINUE, 1 << 20).type == PV_DONE);
  send_u32(&agent.control, PV_LOG_SYNC, 1);
  log_await_token(&agent.control, &log, 1);
  CHECK(is_log(&log, "before\n"));
  CHECK(peer_call(&agent.control, PV_QUIESCE, NULL).type == PV_DONE);
  send_u32(&agent.control, PV_LOG_CREDIT, 100); /* of records that came before QUIESCE: no new request */
  log_line(kmsg, 6, 11, "-;during\n");
  CHECK(peer_receive_on(&agent.control, 0, 50).type == -2);
  CHECK(peer_hello(&agent.control) && peer_receive(&agent.control).type == PV_READY);
  log_line(kmsg, 6, 13, "-;after\n");
  CHECK(peer_receive_on(&agent.control, 0, 50).type == -2); /* not asked for yet */
  log = (struct log){0};
  CHECK(follow(&agent.control, PV_FOLLOW_CONTINUE, 1 << 20).type == PV_DONE);
  send_u32(&agent.control, PV_LOG_SYNC, 2);
  log_await_token(&agent.control, &log, 2);
  CHECK(is_log(&log, "during\nafter\n") && log.lost == 1);
  CHECK(agent_stop(&agent));
  close(kmsg);
}

static void check_bad_requests(void) {
  struct agent_under_test agent = agent_start(false);
  struct bytes payload = {0};
  CHECK(follow(&agent.control, PV_FOLLOW_OLDEST, 1).type == PV_ERROR); /* no kernel log */
  CHECK(follow(&agent.control, 3, 1).type == PV_ERROR);
  static const uint8_t types[] = {PV_FOLLOW_LOG, PV_LOG_CREDIT, PV_LOG_SYNC};
  for (size_t i = 0; i < sizeof types; i++) {
    struct reply reply = peer_call(&agent.control, types[i], &payload);
    CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == EINVAL);
  }
  put_u32(&payload, 0);
  CHECK(peer_call(&agent.control, PV_LOG_SYNC, &payload).type == PV_ERROR); /* 0 is no token */
  CHECK(agent_alive(&agent.control));
  CHECK(agent_stop(&agent));
}

void test_log(void) {
  for (int link = 0; link < 2; link++) {
    check_records(link);
    check_credit(link);
  }
  check_sessions();
  check_bad_requests();
}
